import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Next, Res, Response, Scope, Sse, type ModuleMetadata } from '@nestjs/common';
import { NEVER, type Observable } from 'rxjs';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import { Broken, closeApps, Hold, Lend, startApp } from './start-app.js';

afterEach(closeApps);

/** What booting these classes throws. */
async function refusal(metadata: ModuleMetadata): Promise<string> {
  const error: unknown = await startApp(metadata).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(InvalidOptionsError);
  return (error as Error).message;
}

describe('G38: a boot is refused for a layer that owns the answer', () => {
  it('of an @Sse() stream, decorated itself or through its class', async () => {
    @Controller()
    class Own {
      @Sse()
      @Hold()
      ticks(): Observable<never> {
        return NEVER;
      }
    }
    @Controller()
    @Hold()
    class OfClass {
      @Sse()
      ticks(): Observable<never> {
        return NEVER;
      }
    }
    expect(await refusal({ controllers: [Own] })).toContain('Own.ticks is an @Sse() stream');
    expect(await refusal({ controllers: [OfClass] })).toContain('OfClass.ticks is an @Sse() stream');
  });

  it('of a method with @Res(), @Response() or @Next() and no passthrough', async () => {
    @Controller()
    class WithRes {
      @Get()
      @Hold()
      find(@Res() response: unknown): unknown {
        return response;
      }
    }
    @Controller()
    class WithResponse {
      @Get()
      @Hold()
      find(@Response() response: unknown): unknown {
        return response;
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class WithNext {
      @Get()
      @Hold()
      find(@Next() next: unknown): unknown {
        return next;
      }
    }
    expect(await refusal({ controllers: [WithRes] })).toContain('WithRes.find answers through @Res() or @Next()');
    expect(await refusal({ controllers: [WithResponse] })).toContain('use @Res({ passthrough: true })');
    expect(await refusal({ controllers: [WithNext] })).toContain('WithNext.find answers through');
  });

  it('but not when only layers are there that do not own the answer', async () => {
    @Controller()
    @Lend()
    class Orders {
      @Sse('ticks')
      ticks(): Observable<never> {
        return NEVER;
      }
      @Get()
      find(@Res() response: unknown): unknown {
        return response;
      }
    }
    await expect(startApp({ controllers: [Orders] })).resolves.toBeDefined();
  });
});

describe('G38: a boot is refused', () => {
  it('when a layer cannot prepare a method, of a controller, of a provider or through the class', async () => {
    @Controller()
    class Orders {
      @Get()
      @Broken()
      find(): void {}
    }
    @Controller()
    @Broken()
    class Seats {
      @Get()
      find(): void {}
    }
    @Injectable()
    class Jobs {
      @Broken()
      nightly(): void {}
    }
    expect(await refusal({ controllers: [Orders] })).toContain('Orders.find: lease too short');
    expect(await refusal({ controllers: [Seats] })).toContain('Seats.find: lease too short');
    expect(await refusal({ providers: [Jobs] })).toContain('Jobs.nightly: lease too short');
  });

  it('for generators, whose body would run outside of every layer', async () => {
    @Controller()
    class Orders {
      @Get()
      @Lend()
      async *list(): AsyncGenerator<number> {
        yield await Promise.resolve(1);
      }
    }
    @Injectable()
    class Jobs {
      @Lend()
      *list(): Generator<number> {
        yield 1;
      }
    }
    expect(await refusal({ controllers: [Orders] })).toContain('Orders.list is a generator');
    expect(await refusal({ providers: [Jobs] })).toContain('Jobs.list is a generator');
  });
});
