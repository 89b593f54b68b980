import { EventEmitter } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  type DynamicModule,
  Get,
  Injectable,
  Module,
  Patch,
  Res,
  Scope,
  Sse,
  type Type,
} from '@nestjs/common';
import {
  CacheTxn,
  CacheTxnModule,
  type CacheTxnModuleOptions,
  type CacheTxnOptions,
  Locked,
  memoryStore,
  Versioned,
  type VersionedOptions,
} from 'nestjs-cache-txn';
import { of } from 'rxjs';
import { TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const boot = (target: Type, kind: 'controllers' | 'providers' = 'controllers') =>
  scene.app({ [kind]: [target], module: { store: memoryStore() } });

const bootWith = (library: DynamicModule) => {
  @Module({ imports: [library] })
  class AppModule {}
  return scene.boot(AppModule);
};

const refused = (message: RegExp) => ({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) });

describe('at boot', () => {
  it.each([
    ['@CacheTxn', CacheTxn()],
    ['@Versioned', Versioned()],
  ])('G38: %s is refused on an event stream and on a method that answers by itself', async (_name, decorator) => {
    @Controller()
    class Streaming {
      @Sse('stream')
      @decorator
      stream() {
        return of({ data: 1 });
      }
    }
    @Controller()
    class Answering {
      @Get()
      @decorator
      answer(@Res() response: { send(body: string): void }) {
        response.send('by itself');
      }
    }
    await expect(boot(Streaming)).rejects.toMatchObject(refused(/Streaming\.stream.*@Sse/));
    await expect(boot(Answering)).rejects.toMatchObject(refused(/Answering\.answer.*@Res/));
  });

  it('G38: @Locked alone is fine there', async () => {
    @Controller()
    class Streaming {
      @Sse('stream')
      @Locked('stream')
      stream() {
        return of({ data: 'one' });
      }
      @Get()
      @Locked('answer')
      answer(@Res() response: { send(body: string): void }) {
        response.send('by itself');
      }
    }
    const { send } = await boot(Streaming);
    expect((await send('GET', '/stream')).text).toContain('data: one');
    expect((await send('GET', '/')).text).toBe('by itself');
  });

  it('G38: a request-scoped provider is refused, a request-scoped controller is not', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @CacheTxn()
      work() {
        return 'done';
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class PerRequestController {
      @Get()
      @CacheTxn()
      work() {
        return 'done';
      }
    }
    await expect(boot(PerRequest, 'providers')).rejects.toMatchObject(refused(/request-scoped/));
    expect((await (await boot(PerRequestController)).send('GET', '/')).text).toBe('done');
  });

  it('G38: a resource is refused on a provider, which has no request', async () => {
    @Injectable()
    class Provider {
      @Versioned({ resource: 'event:{args.0}' })
      work(id: string) {
        return id;
      }
    }
    await expect(boot(Provider, 'providers')).rejects.toMatchObject(refused(/Provider\.work.*resource/));
  });

  it.each<CacheTxnOptions>([
    { readOnly: true },
    { propagation: 'supports' },
    { propagation: 'not_supported' },
    { propagation: 'never' },
    { propagation: 'mandatory' },
  ])(
    'G38: a method that changes a resource is refused with @CacheTxn(%j): its If-Match needs a commit',
    async (options) => {
      @Controller()
      class Events {
        @Patch(':id')
        @CacheTxn(options)
        @Versioned({ resource: 'event:{params.id}' })
        patch() {
          return {};
        }
      }
      await expect(boot(Events)).rejects.toMatchObject(refused(/Events\.patch/));
    },
  );
});

describe('a boot with options that do not exist', () => {
  it.each<[string, object, RegExp]>([
    ['leese', { lock: { leese: '1s' } }, /^lock has no option 'leese'; it has lease, /],
    ['timeOut', { txn: { timeOut: '1s' } }, /^txn has no option 'timeOut'/],
    ['attempt', { version: { attempt: 2 } }, /^version has no option 'attempt'/],
    ['inital', { version: { backoff: { inital: '1s' } } }, /^version.backoff has no option 'inital'/],
    ['TTL', { cache: { TTL: '1m' } }, /^cache has no option 'TTL'/],
    ['nameSpace', { nameSpace: 'shop' }, /^CacheTxnModule has no option 'nameSpace'/],
    ['store', { store: 'redis://127.0.0.1:1' }, /^store: give what redisStore/],
    ['txn.database', { txn: { database: new EventEmitter() } }, /^txn\.database: give what pgTransactional/],
  ])('is refused for %s, from forRoot and from a factory', async (option, options, message) => {
    const invalid = { ...refused(message), details: expect.objectContaining({ option }) };
    const given = options as CacheTxnModuleOptions;
    await expect(bootWith(CacheTxnModule.forRoot(given))).rejects.toMatchObject(invalid);
    await expect(bootWith(CacheTxnModule.forRootAsync({ useFactory: () => given }))).rejects.toMatchObject(invalid);
  });

  it.each(['name', 'isGlobal', 'errorFilter'])(
    'is refused for %s from a factory, which comes too late',
    async (option) => {
      const library = CacheTxnModule.forRootAsync({ useFactory: () => ({ [option]: undefined }) });
      await expect(bootWith(library)).rejects.toMatchObject({
        ...refused(/beside useFactory, useClass or useExisting/),
        details: { option },
      });
    },
  );

  it('is refused for a class that makes no options', async () => {
    class Settings {
      createOptions() {
        return {};
      }
    }
    const library = CacheTxnModule.forRootAsync({ useClass: Settings as never });
    await expect(bootWith(library)).rejects.toMatchObject(refused(/createCacheTxnOptions\(\)/));
  });
});

describe('a boot without CacheTxnModule.forRoot()', () => {
  it.each<[string, ClassDecorator & MethodDecorator]>([
    ['@Locked', Locked('a')],
    ['@CacheTxn', CacheTxn()],
    ['@Versioned', Versioned()],
  ])('is refused where a controller or a provider has %s, and says what is missing', async (_name, decorator) => {
    @Controller()
    class Orders {
      @Get()
      @decorator
      list() {
        return [];
      }
    }
    @Module({ controllers: [Orders] })
    class OfController {}
    @Module({ providers: [Orders] })
    class OfProvider {}
    for (const root of [OfController, OfProvider])
      await expect(scene.boot(root)).rejects.toMatchObject(refused(/import CacheTxnModule\.forRoot\(\)/));
  });
});

describe('when the class is defined', () => {
  it.each<CacheTxnOptions>([
    { timeout: 0 },
    { timeout: 'soon' as '1s' },
    { isolation: 'snapshot' as 'serializable' },
    { propagation: 'REQUIRED' as 'required' },
    { timeOut: '1s' } as CacheTxnOptions,
    { locks: [] } as CacheTxnOptions,
  ])('G38: @CacheTxn(%j) is refused', (options) => {
    expect(() => CacheTxn(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it.each<VersionedOptions>([
    { attempts: 0 },
    { attempts: 101 },
    { backoff: { initial: 'soon' as '1s' } },
    { budget: -1 },
    { escalateAfter: 0 },
    { etag: true },
    { requireIfMatch: true },
    { resource: 'event:{params.id' },
    { resource: 'event:{query}' },
    { resource: '' },
    { attempt: 2 } as VersionedOptions,
    { backoff: { inital: '1s' } as object },
  ])('G38: @Versioned(%j) is refused', (options) => {
    expect(() => Versioned(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('G38: a second decorator of a kind is refused', () => {
    expect(() => {
      class Twice {
        @CacheTxn()
        @CacheTxn({ readOnly: true })
        work() {
          return 1;
        }
      }
      return Twice;
    }).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
