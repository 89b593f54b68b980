import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheTxnModule, redisStore, type RedisStoreOptions } from 'nestjs-cache-txn';
import { FaultInjectingStore } from 'nestjs-cache-txn/testing';
import { PriceList } from './price-list.js';

/** Where in a transaction the process dies, by the operation of its store: before it is sent, or after its answer. */
export interface Death {
  readonly operation: 'decide' | 'answerRoll' | 'concludeRoll';
  readonly when: 'before' | 'after';
  /** The first such operation is 1. */
  readonly nth: number;
}

let app: INestApplicationContext | undefined;
let store: FaultInjectingStore | undefined;

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

/** All processes of a machine share this clock. */
const nowUs = (): bigint => process.hrtime.bigint() / 1_000n;

async function readOn(prices: PriceList, file: string): Promise<void> {
  for (;;) {
    const startedUs = nowUs();
    const list = await prices.current().catch(() => undefined);
    // At once, so that it outlives the process.
    if (list !== undefined) appendFileSync(file, `${startedUs} ${nowUs()} ${list}\n`);
    await setTimeout(1);
  }
}

export const calls = {
  /** Each read goes into the file: when it began and ended in µs, and the list that it was shown. */
  async start(redis: RedisStoreOptions, namespace: string, file: string): Promise<void> {
    store = new FaultInjectingStore(redisStore(redis));
    @Module({
      imports: [CacheTxnModule.forRoot({ store, namespace, remote: { lease: '600ms' } })],
      providers: [PriceList],
    })
    class AppModule {}
    app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
    await app.get(PriceList).current();
    void readOn(app.get(PriceList), file);
  },

  async dieAt({ operation, when, nth }: Death): Promise<void> {
    for (let before = 1; before < nth; before += 1) store?.next(operation, (run) => run());
    store?.next(operation, async (run) => {
      if (when === 'before') die();
      const answer = await run();
      die();
      return answer;
    });
  },

  async switchTo(list: number): Promise<void> {
    await app?.get(PriceList).switchTo(list);
  },

  async cached(): Promise<number | undefined> {
    return app?.get(PriceList).cached();
  },

  async current(): Promise<number | undefined> {
    return app?.get(PriceList).current();
  },
};
