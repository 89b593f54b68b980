import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { clearEvents, events } from './observed-call.js';
import { closeApps, Outer, startApp } from './start-app.js';

afterEach(closeApps);
afterEach(clearEvents);

type Run = <T>(fn: () => T) => T;

describe('the asynchronous context', () => {
  it.each([
    ['calls handle() in it', (run: Run, next: CallHandler) => run(() => next.handle())],
    [
      'subscribes in it',
      (run: Run, next: CallHandler) => new Observable((subscriber) => run(() => next.handle().subscribe(subscriber))),
    ],
  ])('of an outer interceptor that %s reaches layers and method, at every attempt', async (_how, enter) => {
    const storage = new AsyncLocalStorage<string>();
    const outer = {
      intercept: (context: ExecutionContext, next: CallHandler) => {
        const { url } = context.switchToHttp().getRequest<{ url: string }>();
        return enter((fn) => storage.run(url, fn), next);
      },
    };
    @Controller()
    @UseInterceptors(outer)
    class Orders {
      @Get('*path')
      @Outer(async (_call, next) => {
        events.push(`layer ${storage.getStore()}`);
        await next();
        await sleep(1);
        return next();
      })
      find(@Req() request: { url: string }): void {
        events.push(`method of ${request.url} in ${storage.getStore()}`);
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    await Promise.all([fetch(`${url}/a`), fetch(`${url}/b`)]);
    expect([...events].sort()).toEqual([
      'layer /a',
      'layer /b',
      ...Array<string>(2).fill('method of /a in /a'),
      ...Array<string>(2).fill('method of /b in /b'),
    ]);
  });
});
