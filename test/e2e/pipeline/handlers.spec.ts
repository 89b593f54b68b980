import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Catch,
  Controller,
  Get,
  ImATeapotException,
  Param,
  Post,
  Req,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { concat, delay, EMPTY, from, Observable, of, retry } from 'rxjs';
import type { Call } from '../../../src/pipeline/call.js';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { ADAPTERS, closeApps, Hold, Lend, Outer, startApp, type Behaviour } from './start-app.js';

afterEach(closeApps);

const events: string[] = [];
afterEach(() => {
  events.length = 0;
});

const note =
  (name: string): Behaviour =>
  async (_call, next) => {
    events.push(`${name} begins`);
    const emitted = await next();
    events.push(`${name} ends`);
    return emitted;
  };

const getText = async (url: string, init?: RequestInit): Promise<string> => (await fetch(url, init)).text();

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
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    let hasAnswered = false;
    const answer = getText(url).finally(() => {
      hasAnswered = true;
    });
    while (emitted === undefined) await sleep(1);
    await sleep(20);
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

describe('the order around a route', () => {
  it('is that of the ranks, whatever the stacking', async () => {
    @Controller()
    class Orders {
      @Get('a')
      @Lend(note('lock'))
      @Outer(note('retry'))
      @Hold(note('txn'))
      a(): void {
        events.push('method');
      }
      @Get('b')
      @Hold(note('txn'))
      @Outer(note('retry'))
      @Lend(note('lock'))
      b(): void {
        events.push('method');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    for (const path of ['a', 'b']) {
      events.length = 0;
      await fetch(`${url}/${path}`);
      expect(events).toEqual([
        'lock begins',
        'retry begins',
        'txn begins',
        'method',
        'txn ends',
        'retry ends',
        'lock ends',
      ]);
    }
  });

  it('is the same with decorators on class and method, and each layer runs once per call', async () => {
    const between = {
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        events.push('between');
        return next.handle();
      },
    };
    @Controller()
    @UseInterceptors(between)
    @Hold(note('class txn'))
    @Lend(note('class lock'))
    class Orders {
      @Get('own')
      @Hold(note('own txn'))
      @Outer(note('own retry'))
      own(): void {
        events.push('method');
      }
      @Get('inherited')
      inherited(): void {
        events.push('method');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    await fetch(`${url}/own`);
    expect(events).toEqual([
      'class lock begins',
      'own retry begins',
      'own txn begins',
      'between',
      'method',
      'own txn ends',
      'own retry ends',
      'class lock ends',
    ]);
    events.length = 0;
    await fetch(`${url}/inherited`);
    expect(events).toEqual([
      'class lock begins',
      'class txn begins',
      'between',
      'method',
      'class txn ends',
      'class lock ends',
    ]);
  });

  it('holds for handlers of a class that extends a decorated one, and of two controllers that share it', async () => {
    class Base {
      @Get('find')
      @Hold(note('txn'))
      find(): string {
        return this.constructor.name;
      }
    }
    @Controller('a')
    class A extends Base {}
    @Controller('b')
    @Lend(note('lock'))
    class B extends Base {}
    const { url } = await startApp({ controllers: [A, B] });
    expect(await getText(`${url}/a/find`)).toBe('A');
    expect(await getText(`${url}/b/find`)).toBe('B');
    expect(events).toEqual(['txn begins', 'txn ends', 'lock begins', 'txn begins', 'txn ends', 'lock ends']);
  });

  it('holds on a request-scoped controller', async () => {
    @Controller({ path: '', scope: Scope.REQUEST })
    class Orders {
      constructor() {
        events.push('made');
      }
      @Get()
      @Hold(note('txn'))
      find(): string {
        return 'found';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('found');
    expect(events).toEqual(['made', 'txn begins', 'txn ends']);
  });

  it('leaves a route alone that no layer wants', async () => {
    @Controller()
    class Orders {
      @Get()
      @layerDecorator(Symbol('@Unknown'), true)
      find(): Observable<string> {
        return of('bare');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('bare');
  });
});

describe('a second attempt', () => {
  it('runs inner interceptors, pipes and the method again, but no guard', async () => {
    const guard = { canActivate: () => events.push('guard') > 0 };
    const pipe = { transform: (value: string) => `${value}, pipe ${events.push('pipe')}` };
    const inner = {
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        events.push('interceptor');
        return next.handle();
      },
    };
    const seen: string[] = [];
    @Controller()
    class Orders {
      @Get(':id')
      @UseGuards(guard)
      @UsePipes(pipe)
      @UseInterceptors(inner)
      @Outer(async (_call, next) => {
        await next().catch(() => undefined);
        return next();
      })
      find(@Param('id') id: string): string {
        events.push('method');
        seen.push(id);
        if (seen.length === 1) throw new Error('conflict');
        return id;
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(`${url}/7`)).toBe('7, pipe 6');
    expect(events).toEqual(['guard', 'interceptor', 'pipe', 'method', 'interceptor', 'pipe', 'method']);
    // Each attempt reads its arguments afresh, not what the pipes made of them before.
    expect(seen).toEqual(['7, pipe 3', '7, pipe 6']);
  });

  it('goes through the whole pipeline when an interceptor outside of it subscribes again', async () => {
    const outside = {
      intercept: (_context: ExecutionContext, next: CallHandler) => next.handle().pipe(retry(1)),
    };
    let runs = 0;
    @Controller()
    @UseInterceptors(outside)
    class Orders {
      @Get()
      @Hold(note('txn'))
      find(): string {
        runs += 1;
        if (runs === 1) throw new Error('first');
        return 'second';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('second');
    expect(events).toEqual(['txn begins', 'txn begins', 'txn ends']);
  });
});

describe.each(ADAPTERS)('an error on %s', (adapter) => {
  const caught: unknown[] = [];
  @Catch()
  class Keep implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      caught.push(error);
      host
        .switchToHttp()
        .getResponse<{ status(code: number): { send(body: string): void } }>()
        .status(499)
        .send('kept');
    }
  }
  afterEach(() => {
    caught.length = 0;
  });

  it('of the method, a pipe or a layer reaches the filters as the very instance', async () => {
    const error = new (class Mine extends Error {})('mine');
    const thrower = {
      transform: () => {
        throw error;
      },
    };
    @Controller()
    @UseFilters(Keep)
    @Lend()
    @Outer()
    class Orders {
      @Get('method')
      @Hold()
      method(): void {
        throw error;
      }
      @Get('observable')
      @Hold()
      observable(): Observable<never> {
        return from(Promise.reject(error));
      }
      @Get('pipe/:id')
      @Hold()
      pipe(@Param('id', thrower) id: string): string {
        return id;
      }
      @Get('layer')
      @Hold(() => Promise.reject(error))
      layer(): void {}
      @Get('sync-layer')
      @Hold(() => {
        throw error;
      })
      syncLayer(): void {}
    }
    const { url } = await startApp({ controllers: [Orders] }, adapter);
    for (const path of ['method', 'observable', 'pipe/7', 'layer', 'sync-layer']) {
      caught.length = 0;
      expect(await getText(`${url}/${path}`)).toBe('kept');
      expect(caught).toHaveLength(1);
      expect(caught[0]).toBe(error);
    }
  });

  it('keeps its status without any filter, and an observable without values fails as it does without us', async () => {
    @Controller()
    @Hold()
    class Orders {
      @Get('teapot')
      teapot(): void {
        throw new ImATeapotException('short and stout');
      }
      @Get('empty')
      empty(): Observable<never> {
        return EMPTY;
      }
    }
    @Controller('bare')
    class Bare {
      @Get('empty')
      empty(): Observable<never> {
        return EMPTY;
      }
    }
    const { url } = await startApp({ controllers: [Orders, Bare] }, adapter);
    const teapot = await fetch(`${url}/teapot`);
    expect([teapot.status, await teapot.json()]).toMatchObject([418, { message: 'short and stout' }]);
    expect((await fetch(`${url}/empty`)).status).toBe((await fetch(`${url}/bare/empty`)).status);
  });
});

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
