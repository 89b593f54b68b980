import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Res,
  Sse,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type MessageEvent,
} from '@nestjs/common';
import { once, type EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { concat, finalize, interval, map, NEVER, of, tap, timeout, type Observable } from 'rxjs';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import type { Call } from '../../../src/pipeline/call.js';
import { ADAPTERS, closeApps, Hold, Lend, startApp, type Behaviour } from './start-app.js';

afterEach(closeApps);

/** Resolves when the condition holds; the suite's own time limit fails it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** A layer that keeps its calls and how they ended. */
function keep() {
  const calls: Call[] = [];
  const ends: unknown[] = [];
  const behaviour: Behaviour = async (call, next) => {
    calls.push(call);
    try {
      const emitted = await next();
      call.signal.throwIfAborted();
      ends.push('completed');
      return emitted;
    } catch (error) {
      ends.push(error);
      throw error;
    }
  };
  return { calls, ends, behaviour };
}

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
    await until(() => kept.calls.length === 1);
    client.abort();
    await answer;
    const signal = kept.calls[0]!.signal;
    await until(() => signal.aborted);
    expect(signal.reason).toBeInstanceOf(TransactionAbortedError);
    expect((signal.reason as Error).message).toContain('Orders.find');
    expect(kept.ends).toEqual([]);
    finish();
    await until(() => kept.ends.length === 1);
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
    await until(() => isWaiting);
    client.abort();
    await answer;
    await until(() => end !== undefined);
    expect((end as Error).cause).toBeInstanceOf(TransactionAbortedError);
  });

  it('has left already when its guards took that long: the layers start with an aborted signal', async () => {
    const kept = keep();
    let isGuarding = false;
    const slowGuard = {
      async canActivate(context: ExecutionContext): Promise<boolean> {
        isGuarding = true;
        const response = context.switchToHttp().getResponse<{ raw?: { destroyed: boolean }; destroyed: boolean }>();
        await until(() => (response.raw ?? response).destroyed);
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
    await until(() => isGuarding);
    client.abort();
    await answer;
    await until(() => kept.ends.length === 1);
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
    await until(() => kept.calls.length === 1);
    client.abort();
    await answer;
    await until(() => kept.ends.length === 1);
    expect(kept.ends).toEqual([kept.calls[0]?.signal.reason]);
    expect(isLeft).toBe(true);
  });

  it('aborts nothing when it stays: neither during the call nor after the answer', async () => {
    const kept = keep();
    const listening: number[] = [];
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
      response.once('finish', () => listening.push(response.listenerCount('close')));
    });
    const listeners = async (path: string): Promise<number | undefined> => {
      await (await fetch(`${url}/${path}`)).text();
      await until(() => listening.length > 0);
      return listening.pop();
    };
    const bare = await listeners('bare');
    expect(await listeners('fine')).toBe(bare);
    expect(await listeners('failing')).toBe(bare);
    await sleep(20);
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
    await until(() => kept.ends.length === 1);
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
    await until(() => kept.ends.length === 1);
    expect(kept.ends).toEqual([kept.calls[0]?.signal.reason]);
  });
});

describe.each(ADAPTERS)('an event stream on %s under a layer that does not own the answer', (adapter) => {
  it('streams while the layer is around it, and both end when the client leaves', async () => {
    const kept = keep();
    const sent: number[] = [];
    @Controller()
    class Ticks {
      @Sse()
      @Lend(kept.behaviour)
      ticks(): Observable<MessageEvent> {
        return interval(5).pipe(
          tap((n) => sent.push(n)),
          map((n) => ({ data: { n } })),
        );
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    const client = new AbortController();
    const response = await fetch(url, { signal: client.signal });
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('data: {"n":0}')) text += new TextDecoder().decode((await reader.read()).value);
    expect(kept.ends).toEqual([]);
    client.abort();
    await until(() => kept.ends.length === 1);
    expect(kept.ends[0]).toBeInstanceOf(TransactionAbortedError);
    const count = sent.length;
    await sleep(20);
    expect(sent).toHaveLength(count);
  });

  it('ends with the client even before its first event', async () => {
    const kept = keep();
    @Controller()
    class Ticks {
      @Sse()
      @Lend(kept.behaviour)
      ticks(): Observable<MessageEvent> {
        return NEVER;
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    const client = new AbortController();
    await fetch(url, { signal: client.signal });
    client.abort();
    await until(() => kept.ends.length === 1);
    expect(kept.ends[0]).toBeInstanceOf(TransactionAbortedError);
  });

  it('ends without an event when the layer does not let it run', async () => {
    @Controller()
    class Ticks {
      @Sse()
      @Lend(async (call) => {
        call.http?.setStatus(204);
        return [];
      })
      ticks(): Observable<MessageEvent> {
        throw new Error('must not run');
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    expect((await (await fetch(url)).text()).trim()).toBe('');
  });
});
