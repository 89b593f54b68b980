import 'reflect-metadata';
import { Inject, Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxn,
  CacheTxnModule,
  redisStore,
  type RedisStoreOptions,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';

let attempts = 0;

@Injectable()
class Counter {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @CacheTxn()
  @Versioned({ attempts: 100, budget: '1m' })
  async increment(key: string): Promise<void> {
    attempts += 1;
    const count = (await this.cache.get<number>(key)) ?? 0;
    // The second key shows whether a reader ever sees half of a commit.
    await this.cache.setMany({ [key]: count + 1, [`${key}:copy`]: count + 1 });
  }
}

let app: INestApplicationContext | undefined;

export const calls = {
  async start(redis: RedisStoreOptions, namespace: string): Promise<void> {
    @Module({
      imports: [CacheTxnModule.forRoot({ store: redisStore(redis), namespace })],
      providers: [Counter],
    })
    class AppModule {}
    app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'], abortOnError: false });
  },

  /** Increments one after the other; gives how often the method ran. */
  async increment(key: string, times: number): Promise<number> {
    const counter = app?.get(Counter);
    attempts = 0;
    for (let i = 0; i < times; i++) await counter?.increment(key);
    return attempts;
  },

  async close(): Promise<void> {
    await app?.close();
  },
};
