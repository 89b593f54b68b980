import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Param, Post } from '@nestjs/common';
import {
  CacheTxn,
  CurrentTxn,
  type Transaction,
  TransactionalCache,
  Versioned,
  VersionService,
} from 'nestjs-cache-txn';
import { defer, of } from 'rxjs';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
let theirs: TxnApp;
beforeAll(async () => {
  scene = await TxnScene.start();
  theirs = await scene.app({ module: { namespace: 'shared' } });
});
afterAll(() => scene.stop());

/** How often the next calls are overtaken. */
let overtakes = 0;
let runs = 0;
afterEach(() => {
  overtakes = runs = 0;
});

async function overtake(key: string): Promise<void> {
  runs += 1;
  if (overtakes-- > 0) await theirs.cache.set(key, runs * 100);
}

@Injectable()
class Stock {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(VersionService) private readonly versions: VersionService,
  ) {}

  @Versioned({ backoff: { initial: 0 } })
  @CacheTxn()
  async take(key: string): Promise<number> {
    const left = (await this.cache.get<number>(key)) ?? 0;
    await overtake(key);
    await this.cache.set(key, left - 1);
    return left - 1;
  }

  /** Commits apart from whoever calls it, and retries its own conflicts. */
  @Versioned({ backoff: { initial: 0 } })
  @CacheTxn({ propagation: 'requires_new' })
  async count(key: string): Promise<void> {
    const n = (await this.cache.get<number>(key)) ?? 0;
    await overtake(key);
    await this.cache.set(key, n + 1);
  }

  /** No transaction: a compare-and-set conflicts, too. */
  @Versioned({ backoff: { initial: 0 } })
  async swap(key: string): Promise<number> {
    const version = await this.versions.current(key);
    await overtake(key);
    return this.versions.compareAndSet(key, version, 'swapped');
  }
}

@Controller('stock')
class StockController {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(Stock) private readonly stock: Stock,
  ) {}

  @Post('promise/:key')
  @CacheTxn()
  @Versioned({ attempts: 4, backoff: { initial: 0 } })
  async promise(@Param('key') key: string, @CurrentTxn() txn: Transaction) {
    const left = (await this.cache.get<number>(key)) ?? 0;
    await overtake(key);
    await this.cache.set(key, left - 1);
    return { left: left - 1, attempt: txn.attempt };
  }

  @Post('observable/:key')
  @CacheTxn()
  @Versioned({ attempts: 4, backoff: { initial: 0 } })
  observable(@Param('key') key: string) {
    return defer(async () => {
      const left = (await this.cache.get<number>(key)) ?? 0;
      await overtake(key);
      await this.cache.set(key, left - 1);
      return { left: left - 1 };
    });
  }

  @Post('value/:key')
  @Versioned()
  value() {
    return of('untouched');
  }

  @Post('once/:key')
  @CacheTxn()
  async once(@Param('key') key: string) {
    await this.cache.get(key);
    await overtake(key);
  }

  @Post('joined/:key')
  @CacheTxn()
  @Versioned({ backoff: { initial: 0 } })
  async joined(@Param('key') key: string, @CurrentTxn() txn: Transaction) {
    return { left: await this.stock.take(key), attempt: txn.attempt };
  }

  @Post('apart/:key')
  @CacheTxn()
  @Versioned({ backoff: { initial: 0 } })
  async apart(@Param('key') key: string, @CurrentTxn() txn: Transaction) {
    await this.stock.count(key);
    return { attempt: txn.attempt };
  }
}

const start = (adapter: (typeof ADAPTERS)[number]): Promise<TxnApp> =>
  scene.app({ controllers: [StockController], providers: [Stock], module: { namespace: 'shared' }, adapter });

describe.each(ADAPTERS)('a conflict on %s', (adapter) => {
  it.each(['promise', 'observable'])(
    'G30: on a route that gives a %s is retried on fresh reads until it commits',
    async (kind) => {
      const { send, cache } = await start(adapter);
      await cache.set(kind, 10);
      overtakes = 2;
      const answer = await send('POST', `/stock/${kind}/${kind}`);
      expect([answer.status, answer.body.left, runs, await cache.get(kind)]).toEqual([201, 199, 3, 199]);
    },
  );

  it('G30: that outlasts the attempts answers 409 and leaves what the others wrote', async () => {
    const { send, cache } = await start(adapter);
    overtakes = 99;
    const answer = await send('POST', '/stock/promise/spent');
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'VERSION_CONFLICT', message: expect.stringContaining('4 attempts') },
    });
    expect([runs, await cache.get('spent')]).toEqual([4, 400]);
  });

  it('G30: without @Versioned answers 409 at once', async () => {
    const { send } = await start(adapter);
    overtakes = 1;
    expect(await send('POST', '/stock/once/once')).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(runs).toBe(1);
  });

  it('G30: of a method without any transaction is retried as well', async () => {
    const { app, cache } = await start(adapter);
    overtakes = 2;
    await app.get(Stock).swap('swap');
    expect([runs, await cache.get('swap')]).toEqual([3, 'swapped']);
  });

  it('G30: on a provider is retried where its call began', async () => {
    const { app, send, cache } = await start(adapter);
    overtakes = 2;
    expect(await app.get(Stock).take('taken')).toBe(199);
    expect(runs).toBe(3);
    overtakes = 2;
    runs = 0;
    const joined = await send('POST', '/stock/joined/joined');
    expect([joined.body, runs, await cache.get('joined')]).toEqual([{ left: 199, attempt: 3 }, 3, 199]);
  });

  it('G30: of a method with requires_new is its own: it is retried alone, not with the call around it', async () => {
    const { send, cache } = await start(adapter);
    overtakes = 2;
    const answer = await send('POST', '/stock/apart/apart');
    expect([answer.status, answer.body, runs, await cache.get('apart')]).toEqual([201, { attempt: 1 }, 3, 201]);
  });

  it('leaves a method alone that never conflicts', async () => {
    const { send } = await start(adapter);
    expect(await send('POST', '/stock/value/x')).toMatchObject({ status: 201, text: 'untouched' });
  });
});

describe('many callers of one key', () => {
  it('G30: all get through: 40 at once on one counter, by escalation where chance is not enough', async () => {
    const { app, cache } = await start('express');
    const stock = app.get(Stock);
    await cache.set('hot', 40);
    const left = await Promise.all(Array.from({ length: 40 }, () => eventuallyTaken(() => stock.take('hot'))));
    expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(await cache.get('hot')).toBe(0);
  });
});

/** Five attempts are not for ever: who spent them asks again, as a client does after a 409. */
async function eventuallyTaken(take: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await take();
    } catch (error) {
      expect(error).toMatchObject({ code: 'VERSION_CONFLICT' });
    }
  }
}
