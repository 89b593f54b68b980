import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import {
  CacheTxn,
  CacheTxnModule,
  type CacheTxnModuleAsyncOptions,
  type CacheTxnOptionsFactory,
  getCacheTxnToken,
  InvalidOptionsError,
  memoryStore,
  redisStore,
  type RedisStoreOptions,
  TransactionalCache,
} from 'nestjs-cache-txn';
import { storeOptions } from '../../support/servers/redis-access.js';
import { TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

@Injectable()
class Config {
  readonly namespace = 'configured';
  get redis(): RedisStoreOptions {
    return storeOptions(scene.server);
  }
}
@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

@Controller('orders')
class Orders {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}
  @Get('mixed')
  @CacheTxn()
  async mixed() {
    await this.cache.set('a', 1);
    throw new InvalidOptionsError('a mistake');
  }
}

const listen = (options: CacheTxnModuleAsyncOptions, namespace = 'configured') => {
  @Module({ imports: [CacheTxnModule.forRootAsync(options)], controllers: [Orders] })
  class AppModule {}
  return scene.listen(AppModule, namespace);
};

describe('forRootAsync', () => {
  it('takes its options from other providers, at once or as a promise', async () => {
    const inject = [Config];
    for (const useFactory of [
      ({ redis, namespace }: Config) => ({ store: redisStore(redis), namespace }),
      async ({ redis, namespace }: Config) => Promise.resolve({ store: redisStore(redis), namespace }),
    ]) {
      const { cache } = await listen({ imports: [ConfigModule], inject, useFactory });
      await cache.set('a', 'configured');
      expect(await scene.redis.hget('configured:e:a', 'v')).toBe('"configured"');
      await scene.redis.del('configured:e:a');
    }
  });

  it('takes them from a class that it makes itself, with what its constructor asks for', async () => {
    @Injectable()
    class Settings implements CacheTxnOptionsFactory {
      constructor(@Inject(Config) private readonly config: Config) {}
      createCacheTxnOptions() {
        return { store: redisStore(storeOptions(scene.server)), namespace: this.config.namespace };
      }
    }
    const { cache } = await listen({ imports: [ConfigModule], useClass: Settings });
    await cache.set('made', 'of a class');
    expect(await scene.redis.hget('configured:e:made', 'v')).toBe('"of a class"');
  });

  it('takes them, under a name too, from a provider that is there', async () => {
    @Injectable()
    class Settings implements CacheTxnOptionsFactory {
      async createCacheTxnOptions() {
        return Promise.resolve({ store: redisStore(storeOptions(scene.server)), namespace: 'existing' });
      }
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const library = CacheTxnModule.forRootAsync({ name: 'vault', imports: [SettingsModule], useExisting: Settings });
    @Module({ imports: [library] })
    class AppModule {}
    const { app } = await scene.boot(AppModule);
    await app.get<TransactionalCache>(getCacheTxnToken(TransactionalCache, 'vault')).set('found', 'there');
    expect(await scene.redis.hget('existing:e:found', 'v')).toBe('"there"');
  });

  it.each([
    ['none', {}],
    ['useFactory and useClass', { useFactory: () => ({}), useClass: Config }],
  ])('refuses %s of its three sources', (named, given) => {
    const make = () => CacheTxnModule.forRootAsync(given as unknown as CacheTxnModuleAsyncOptions);
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(new RegExp(`not ${named}$`));
  });

  it('needs nothing but a factory', async () => {
    const { cache } = await listen({ useFactory: () => ({ store: memoryStore(), cache: { ttl: 0 } }) });
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
  });

  it('fails the boot with the factory’s error, and with options that cannot work', async () => {
    const broken = new Error('no configuration');
    await expect(listen({ useFactory: () => Promise.reject(broken) })).rejects.toBe(broken);
    await expect(listen({ useFactory: () => ({ txn: { timeout: 0 } }) })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  it('takes errorFilter beside its factory', async () => {
    const useFactory = () => ({ store: memoryStore() });
    const filtered = await (await listen({ useFactory })).send('GET', '/orders/mixed');
    expect(filtered).toMatchObject({ status: 500, body: { code: 'INVALID_OPTIONS' } });
    const plain = await (await listen({ useFactory, errorFilter: false })).send('GET', '/orders/mixed');
    expect([plain.status, plain.body.code]).toEqual([500, undefined]);
  });

  it('takes isGlobal beside its factory', async () => {
    @Module({ controllers: [Orders] })
    class FeatureModule {}
    const library = CacheTxnModule.forRootAsync({ useFactory: () => ({}), isGlobal: false });
    @Module({ imports: [library, FeatureModule] })
    class AppModule {}
    await expect(scene.listen(AppModule, 'ctx')).rejects.toThrow(/resolve dependencies/);
  });
});
