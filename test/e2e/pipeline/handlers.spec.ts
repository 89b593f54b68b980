import { afterEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { concat, delay, of, type Observable } from 'rxjs';
import type { Call } from '../../../src/pipeline/call.js';
import { eventually } from '../../support/eventually.js';
import { getText } from './observed-call.js';
import { ADAPTERS, closeApps, Hold, startApp } from './start-app.js';

afterEach(closeApps);

describe.each(ADAPTERS)('a decorated route on %s', (adapter) => {
  it('answers what the method returns: a value, a promise, or the last value of an observable', async () => {
    @Controller()
    @Hold()
    class Answers {
      @Get('value')
      value(): string {
        return 'value';
      }
      @Get('promise')
      async promise(): Promise<object> {
        return Promise.resolve({ a: 1 });
      }
      @Get('observable')
      observable(): Observable<string> {
        return concat(of('first'), of('last').pipe(delay(1)));
      }
      @Get('promised-observable')
      async promisedObservable(): Promise<Observable<string>> {
        return Promise.resolve(of('first', 'last'));
      }
      @Get('nothing')
      nothing(): void {}
    }
    const { url } = await startApp({ controllers: [Answers] }, adapter);
    expect(await getText(`${url}/value`)).toBe('value');
    expect(await getText(`${url}/promise`)).toBe('{"a":1}');
    expect(await getText(`${url}/observable`)).toBe('last');
    expect(await getText(`${url}/promised-observable`)).toBe('last');
    const nothing = await fetch(`${url}/nothing`);
    expect([nothing.status, await nothing.text()]).toEqual([200, '']);
  });

  it('has everything the method emitted held back until the layers have finished', async () => {
    let release: () => void = () => undefined;
    const committed = new Promise<void>((resolve) => {
      release = resolve;
    });
    let emitted: unknown;
    @Controller()
    class Orders {
      @Get()
      @Hold(async (_call, next) => {
        emitted = await next();
        await committed;
        return next().then(() => ['second run']);
      })
      find(): Observable<number> {
        return of(1, 2, 3);
      }
      @Get('other')
      @Hold()
      other(): string {
        return 'at once';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    let hasAnswered = false;
    const answer = getText(url).finally(() => {
      hasAnswered = true;
    });
    await eventually(() => emitted !== undefined, { what: 'the method to have emitted' });
    // An answer that did not wait for the layer would be here before that of a later call.
    expect(await getText(`${url}/other`)).toBe('at once');
    expect(hasAnswered).toBe(false);
    release();
    expect(await answer).toBe('second run');
    expect(emitted).toEqual([1, 2, 3]);
  });

  it('gives its layers and key functions the request and the raw arguments', async () => {
    const calls: Call[] = [];
    @Controller('orders')
    class Orders {
      @Post(':id')
      @Hold((call, next) => {
        calls.push(call);
        return next();
      })
      place(@Param('id') id: string, @Body() body: unknown): unknown {
        return [id, body];
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    await fetch(`${url}/orders/7?page=2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'If-Match': '"3"' },
      body: '{"seat":"a1"}',
    });
    const [call] = calls;
    expect(call).toMatchObject({ transport: 'http', target: Orders, methodName: 'place', data: undefined });
    expect({ ...(call?.request['params'] as object) }).toEqual({ id: '7' });
    expect({ ...(call?.request['query'] as object) }).toEqual({ page: '2' });
    expect(call?.request['body']).toEqual({ seat: 'a1' });
    expect(call?.args[0]).toBe(call?.request);
    expect(call?.http?.method).toBe('POST');
    expect(call?.http?.header('if-match')).toBe('"3"');
    expect(call?.http?.header('IF-MATCH')).toBe('"3"');
    expect(call?.http?.header('if-none-match')).toBeUndefined();
    expect(call?.context?.getHandler()).toBe(Orders.prototype.place);
    expect(call?.signal.aborted).toBe(false);
  });
});
