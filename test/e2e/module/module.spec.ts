import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxn,
  CacheTxnModule,
  type CacheTxnModuleOptions,
  LockService,
  memoryStore,
  redisStore,
  TransactionAdmin,
  TransactionalCache,
  TransactionCoordinator,
  VersionService,
} from 'nestjs-cache-txn';
import { storeOptions } from '../../support/servers/redis-access.js';
import { TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe('the module', () => {
  it('keeps applications with different namespaces on one server apart, and has one by default', async () => {
    const [shop, bank] = [
      await scene.app({ module: { namespace: 'shop' } }),
      await scene.app({ module: { namespace: 'bank' } }),
    ];
    await shop.cache.set('a', 'of the shop');
    await shop.locks.acquire('door');
    expect([await bank.cache.get('a'), await bank.locks.inspect('door')]).toEqual([undefined, null]);
    await bank.cache.set('a', 'of the bank');
    expect(await shop.cache.get('a')).toBe('of the shop');
    expect(await scene.redis.exists('shop:e:a', 'bank:e:a')).toBe(2);

    @Module({ imports: [CacheTxnModule.forRoot({ store: redisStore(storeOptions(scene.server)) })] })
    class Plain {}
    const plain = await scene.listen(Plain, 'ctx');
    await plain.cache.set('a', 'by default');
    expect(await scene.redis.exists('ctx:e:a')).toBe(1);
  });

  it.each(['', 'a b', 'shop:1', '{shop}', 'é', 'x'.repeat(65)])(
    'refuses the namespace %j at boot',
    async (namespace) => {
      await expect(scene.app({ module: { namespace } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );

  it.each<CacheTxnModuleOptions>([
    { txn: { timeout: 0 } },
    { txn: { isolation: 'snapshot' as 'serializable' } },
    { version: { attempts: 0 } },
    { version: { strategy: 'random' as 'counter' } },
    { cache: { ttl: -1 } },
    { lock: { lease: 1 } },
    { shutdownGrace: '2h' },
  ])('refuses %j at boot', async (module) => {
    const store = memoryStore();
    await expect(scene.app({ module: { ...module, store } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('needs no options: the memory store is the default', async () => {
    @Module({ imports: [CacheTxnModule.forRoot()] })
    class Plain {}
    const { cache, coordinator } = await scene.listen(Plain, 'ctx');
    await coordinator.run(() => cache.setMany({ a: 1, b: 2 }));
    expect([...(await cache.getMany(['a', 'b'])).values()]).toEqual([1, 2]);
  });
});

describe('the services', () => {
  @Injectable()
  class NeedsAll {
    constructor(
      @Inject(LockService) readonly locks: LockService,
      @Inject(TransactionCoordinator) readonly coordinator: TransactionCoordinator,
      @Inject(TransactionalCache) readonly cache: TransactionalCache,
      @Inject(VersionService) readonly versions: VersionService,
      @Inject(TransactionAdmin) readonly admin: TransactionAdmin,
    ) {}
  }
  @Controller('feature')
  class FeatureController {
    constructor(@Inject(NeedsAll) private readonly all: NeedsAll) {}
    @Get()
    @CacheTxn()
    async find() {
      await this.all.cache.set('a', 1);
      return { inside: this.all.coordinator.current() !== undefined };
    }
  }
  @Module({ providers: [NeedsAll], controllers: [FeatureController] })
  class FeatureModule {}

  it('are injectable everywhere, which isGlobal switches off', async () => {
    const { send } = await scene.app({ imports: [FeatureModule] });
    expect((await send('GET', '/feature')).body).toEqual({ inside: true });
    await expect(scene.app({ imports: [FeatureModule], module: { isGlobal: false } })).rejects.toThrow(
      /resolve dependencies/,
    );
  });

  it('are injectable without isGlobal where the module is imported', async () => {
    const library = CacheTxnModule.forRoot({ isGlobal: false, namespace: 'local' });
    @Module({ imports: [library], providers: [NeedsAll], controllers: [FeatureController], exports: [library] })
    class Importing {}
    const app = await NestFactory.createApplicationContext(Importing, { logger: false, abortOnError: false });
    await app.get(NeedsAll).cache.set('a', 1);
    expect(await app.get(NeedsAll).cache.get('a')).toBe(1);
    await app.close();
  });
});
