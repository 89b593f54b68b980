import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  type CacheWarmer,
  CacheWarmUp,
  redisStore,
  type RedisStoreOptions,
  WarmsCache,
  type WarmUpStatus,
} from 'nestjs-cache-txn';

let warmUp: CacheWarmUp;
const loaded: string[] = [];
let held = '';

/** Loads one key after the other, until it comes to the one that is held. */
@WarmsCache('numbers', { batch: 1, timeout: '1s', required: true })
@Injectable()
class Numbers implements CacheWarmer {
  keys(): string[] {
    return Array.from({ length: 10 }, (_, i) => `number-${i}`);
  }

  load([key = '']: readonly string[]): Promise<Record<string, string>> {
    loaded.push(key);
    return key === held ? new Promise(() => undefined) : Promise.resolve({ [key]: key });
  }
}

export const calls = {
  async start(redis: RedisStoreOptions, namespace: string, heldKey: string): Promise<void> {
    held = heldKey;
    const module = CacheTxnModule.forRoot({ store: redisStore(redis), namespace, lock: { lease: '1s' } });
    @Module({ imports: [module], providers: [Numbers] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
    warmUp = app.get(CacheWarmUp);
    await app.init();
  },

  state: async (): Promise<WarmUpStatus & { readonly isReady: boolean }> => ({
    ...warmUp.status()[0]!,
    isReady: warmUp.isReady,
  }),

  loaded: async (): Promise<string[]> => loaded,
};
