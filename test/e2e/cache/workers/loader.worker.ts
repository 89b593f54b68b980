import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  type LoadOptions,
  redisStore,
  type RedisStoreOptions,
  TransactionalCache,
} from 'nestjs-cache-txn';

let cache: TransactionalCache;
let loads = 0;
let finish: (value: string) => void = () => undefined;

/** Loads a value that comes when the test says so. */
function load(): Promise<string> {
  loads += 1;
  return new Promise((resolve) => (finish = resolve));
}

export const calls = {
  async start(redis: RedisStoreOptions, namespace: string): Promise<void> {
    @Module({ imports: [CacheTxnModule.forRoot({ store: redisStore(redis), namespace })] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    cache = app.get(TransactionalCache);
  },

  /** Asks many times at once; gives the different answers. */
  async askAtOnce(key: string, times: number, options: LoadOptions): Promise<unknown[]> {
    const answers = Array.from({ length: times }, () => cache.getOrLoad(key, load, options));
    return [...new Set(await Promise.all(answers))];
  },

  loads: async (): Promise<number> => loads,

  async finish(value: string): Promise<void> {
    finish(value);
  },
};
