import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Res,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import { once, type EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { concat, finalize, NEVER, of, timeout, type Observable } from 'rxjs';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import { eventually } from '../../support/eventually.js';
import { keep } from './kept-calls.js';
import { ADAPTERS, closeApps, Hold, Lend, startApp } from './start-app.js';

afterEach(closeApps);

describe.each(ADAPTERS)('a client of %s that leaves before the answer', (adapter) => {
  it('aborts the signal of the call, and a method that cannot be stopped runs to its end first', async () => {
    const kept = keep();
    let finish: () => void = () => undefined;
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    @Controller()
    class Orders {
      @Get()
      @Hold(kept.behaviour)
      async find(): Promise<string> {
        await work;
        return 'late';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    const client = new AbortController();
    const answer = fetch(url, { signal: client.signal }).catch((error: unknown) => error);
    await eventually(() => kept.calls.length === 1);
    client.abort();
    await answer;
    const signal = kept.calls[0]!.signal;
    await eventually(() => signal.aborted);
    expect(signal.reason).toBeInstanceOf(TransactionAbortedError);
    expect((signal.reason as Error).message).toContain('Orders.find');
    expect(kept.ends).toEqual([]);
    finish();
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends).toEqual([signal.reason]);
  });

  it('ends a layer that waits with the signal, without the method ever running', async () => {
    let isWaiting = false;
    let end: unknown;
    @Controller()
    class Orders {
      @Get()
      @Lend(async (call) => {
        isWaiting = true;
        await sleep(60_000, undefined, { signal: call.signal }).catch((error: unknown) => {
          end = error;
          throw error;
        });
        return [];
      })
      find(): string {
        throw new Error('must not run');
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    const client = new AbortController();
    const answer = fetch(url, { signal: client.signal }).catch((error: unknown) => error);
    await eventually(() => isWaiting);
    client.abort();
    await answer;
    await eventually(() => end !== undefined);
    expect((end as Error).cause).toBeInstanceOf(TransactionAbortedError);
  });

  it('has left already when its guards took that long: the layers start with an aborted signal', async () => {
    const kept = keep();
    let isGuarding = false;
    const slowGuard = {
      async canActivate(context: ExecutionContext): Promise<boolean> {
        isGuarding = true;
        const response = context.switchToHttp().getResponse<{ raw?: { destroyed: boolean }; destroyed: boolean }>();
        await eventually(() => (response.raw ?? response).destroyed);
        return true;
      },
    };
    @Controller()
    class Orders {
      @Get()
      @UseGuards(slowGuard)
      @Hold(kept.behaviour)
      find(): string {
        return 'late';
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    const client = new AbortController();
    const answer = fetch(url, { signal: client.signal }).catch((error: unknown) => error);
    await eventually(() => isGuarding);
    client.abort();
    await answer;
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends[0]).toBeInstanceOf(TransactionAbortedError);
  });

  it('ends an observable that has not completed', async () => {
    const kept = keep();
    let isLeft = false;
    @Controller()
    class Orders {
      @Get()
      @Hold(kept.behaviour)
      find(): Observable<number> {
        return concat(of(1), NEVER).pipe(finalize(() => (isLeft = true)));
      }
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    const client = new AbortController();
    const answer = fetch(url, { signal: client.signal }).catch((error: unknown) => error);
    await eventually(() => kept.calls.length === 1);
    client.abort();
    await answer;
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends).toEqual([kept.calls[0]?.signal.reason]);
    expect(isLeft).toBe(true);
  });

  it('aborts nothing when it stays: neither during the call nor after the answer', async () => {
    const kept = keep();
    const listening: number[] = [];
    let closedCount = 0;
    @Controller()
    class Orders {
      @Get('bare')
      bare(): string {
        return 'found';
      }
      @Get('fine')
      @Hold(kept.behaviour)
      fine(): string {
        return 'found';
      }
      @Get('failing')
      @Hold(kept.behaviour)
      failing(): string {
        throw new Error('mine');
      }
    }
    const { app, url } = await startApp({ controllers: [Orders] }, adapter);
    (app.getHttpServer() as EventEmitter).on('request', (_request, response: EventEmitter) => {
      response.once('finish', () => {
        listening.push(response.listenerCount('close'));
        response.once('close', () => (closedCount += 1));
      });
    });
    const listeners = async (path: string): Promise<number | undefined> => {
      await (await fetch(`${url}/${path}`)).text();
      await eventually(() => listening.length > 0);
      return listening.pop();
    };
    const bare = await listeners('bare');
    expect(await listeners('fine')).toBe(bare);
    expect(await listeners('failing')).toBe(bare);
    await eventually(() => closedCount === 3, { what: 'Node to be done with all three answers' });
    expect(kept.calls.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });
});

describe('a method that sends its own answer', () => {
  it('keeps its signal when the connection of the finished answer closes before its layers have ended', async () => {
    const kept = keep();
    @Controller()
    class Orders {
      @Get()
      @Lend(kept.behaviour)
      async find(@Res() response: ServerResponse): Promise<void> {
        const closed = once(response, 'close');
        response.end('own');
        await closed;
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await (await fetch(url)).text()).toBe('own');
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends).toEqual(['completed']);
  });
});

describe('an interceptor that unsubscribes before the answer', () => {
  it('aborts the signal like a client that leaves', async () => {
    const kept = keep();
    const impatient = {
      intercept: (_context: ExecutionContext, next: CallHandler) => next.handle().pipe(timeout(5)),
    };
    @Controller()
    @UseInterceptors(impatient)
    class Orders {
      @Get()
      @Hold(kept.behaviour)
      async find(): Promise<string> {
        await sleep(30);
        return 'late';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect((await fetch(url)).status).toBe(500);
    expect(kept.calls[0]?.signal.reason).toBeInstanceOf(TransactionAbortedError);
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends).toEqual([kept.calls[0]?.signal.reason]);
  });
});
