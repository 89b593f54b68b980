import { afterEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getCacheTxnToken,
  LockService,
  memoryStore,
  TransactionalCache,
  TransactionCoordinator,
  VersionConflictError,
} from 'nestjs-cache-txn';
import {
  CacheTxnTestingModule,
  expectHeld,
  expectNothingHeld,
  expectOnlyCommitted,
  FaultInjectingStore,
  heldLocks,
  ManualClock,
  storeOf,
  TestWorld,
  untilWaiting,
} from 'nestjs-cache-txn/testing';
import { setTimeout } from 'node:timers/promises';
import { SeatsController, send } from './seats-app.js';

const apps: INestApplication[] = [];

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(...imports: DynamicModule[]): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports, controllers: [SeatsController] }).compile();
  const app = module.createNestApplication({ forceCloseConnections: true, logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

describe('CacheTxnTestingModule', () => {
  it('serves decorated controllers without a server', async () => {
    const app = await start(CacheTxnTestingModule.forRoot());
    expect(await send(app, 'POST', '/seats/12/buy')).toMatchObject({ status: 201, body: { seat: '12', sold: 1 } });
    expectOnlyCommitted(storeOf(app), { 'seat:12': 'sold', sold: 1 });
    await expectNothingHeld(storeOf(app));
  });

  it('moves time only when the test does: times to live, leases and waits', async () => {
    const app = await start(CacheTxnTestingModule.forRoot({ lock: { wait: '5s' } }));
    const { clock } = app.get(TestWorld);
    await send(app, 'POST', '/seats/12/hold', { by: 'ada' });
    await clock.advanceAsync(119_999);
    expect((await send(app, 'GET', '/seats/12/hold')).body).toEqual({ by: 'ada' });
    await clock.advanceAsync(1);
    expect((await send(app, 'GET', '/seats/12/hold')).body).toEqual({ by: null });

    const lock = await app.get(LockService).acquire('seat:12', { lease: '1h', maxHold: '1h' });
    const buying = send(app, 'POST', '/seats/12/buy');
    await untilWaiting(storeOf(app), 'seat:12');
    let isAnswered = false;
    void buying.then(() => (isAnswered = true));
    await clock.advanceAsync(4_999);
    expect(isAnswered).toBe(false);
    await clock.advanceAsync(1);
    expect(await buying).toMatchObject({ status: 423, body: { code: 'LOCK_TIMEOUT' } });
    expect(await lock.release()).toBe('released');
  });

  it('takes a clock', async () => {
    const clock = new ManualClock();
    const app = await start(CacheTxnTestingModule.forRoot({ clock }));
    await send(app, 'POST', '/seats/1/hold', { by: 'ada' });
    await clock.advanceAsync(120_000);
    expect((await send(app, 'GET', '/seats/1/hold')).body).toEqual({ by: null });
  });

  it('takes a seed, which decides every random pause; without one every run is the same', async () => {
    const pauses: number[][] = [];
    for (const seed of [undefined, 1, 2]) {
      const own: number[] = [];
      const clock = new ManualClock();
      const app = await start(CacheTxnTestingModule.forRoot({ clock, ...(seed !== undefined && { seed }) }));
      let failedMs: number | undefined;
      const retrying = app
        .get(TransactionCoordinator)
        .runWithRetry({ retry: { attempts: 5, backoff: { initial: '1s', max: '1s' } } }, async () => {
          if (failedMs !== undefined) own.push(clock.now() - failedMs);
          failedMs = clock.now();
          throw new VersionConflictError('lost');
        });
      await Promise.all([expect(retrying).rejects.toThrow('gave up'), clock.advanceAsync(5_000)]);
      pauses.push(own);
    }
    expect(pauses[0]).toHaveLength(4);
    expect(new Set(pauses[0]).size).toBe(4);
    expect(pauses[1]).toEqual(pauses[0]);
    expect(pauses[2]).not.toEqual(pauses[0]);
  });

  it('wraps a store that it is given, and takes a fault-injecting one as it is', async () => {
    const inner = memoryStore();
    const wrapped = storeOf(await start(CacheTxnTestingModule.forRoot({ store: inner })));
    expect(wrapped.inner).toBe(inner);
    const faulty = new FaultInjectingStore(memoryStore(), { seed: 77 });
    expect(storeOf(await start(CacheTxnTestingModule.forRoot({ store: faulty })))).toBe(faulty);
  });

  it('plays two nodes on the data of one world', async () => {
    const world = new TestWorld();
    const [first, second] = [
      await start(CacheTxnTestingModule.forRoot({ world })),
      await start(CacheTxnTestingModule.forRoot({ world })),
    ];
    const lock = await first.get(LockService).acquire('seat:12');
    await expectHeld(storeOf(second), 'seat:12');
    expect(await heldLocks(storeOf(second))).toMatchObject([{ owner: 'node-1' }]);
    const buying = send(second, 'POST', '/seats/12/buy');
    await untilWaiting(storeOf(first), 'seat:12');
    storeOf(first).always('commit', 'refuse');
    expect(await send(first, 'POST', '/seats/13/buy')).toMatchObject({ status: 503 });
    storeOf(first).clear();
    await lock.release();
    const bought = await buying;
    expect(bought.status).toBe(201);
    expect(bought.body.fence).toBeGreaterThan(lock.fence);
    await send(first, 'POST', '/seats/14/buy');
    for (const app of [first, second])
      expectOnlyCommitted(storeOf(app), { 'seat:12': 'sold', 'seat:14': 'sold', sold: 2 });
  });

  it('passes the options of the module on', async () => {
    const app = await start(
      CacheTxnTestingModule.forRoot({ namespace: 'shop', lock: { wait: 0 }, cache: { ttl: '1s' }, errorFilter: false }),
    );
    await app.get(TransactionalCache).set('a', 1);
    expect(storeOf(app).committedWrites).toMatchObject([{ namespace: 'shop', key: 'a', value: 1, ttlMs: 1_000 }]);
    await app.get(LockService).acquire('seat:12');
    // Without the filter Nest knows no status for the error.
    expect(await send(app, 'POST', '/seats/12/buy')).toMatchObject({ status: 500 });
  });

  it('goes beside others with a name, each with data of its own', async () => {
    const world = new TestWorld();
    const app = await start(
      CacheTxnTestingModule.forRoot({ world }),
      CacheTxnTestingModule.forRoot({ world, name: 'other' }),
    );
    const other = app.get<TransactionalCache>(getCacheTxnToken(TransactionalCache, 'other'));
    await app.get(TransactionalCache).set('a', 1);
    await other.set('b', 2);
    expectOnlyCommitted(storeOf(app), { a: 1 });
    expectOnlyCommitted(storeOf(app, 'other'), { b: 2 });
    expect(await other.has('a')).toBe(false);
  });

  it('takes its options from other providers', async () => {
    const world = new TestWorld();
    const inner = memoryStore();
    const useFactory = () => ({ namespace: 'later', store: inner });
    const app = await start(CacheTxnTestingModule.forRootAsync({ useFactory, world }));
    await app.get(TransactionalCache).set('a', 1);
    expect(storeOf(app).inner).toBe(inner);
    expect(storeOf(app).committedWrites).toMatchObject([{ namespace: 'later', key: 'a' }]);
    expect(app.get(TestWorld)).toBe(world);
  });

  it('refuses a clock or a seed beside a world, which has its own', () => {
    const world = new TestWorld();
    for (const more of [{ clock: new ManualClock() }, { seed: 1 }])
      expect(() => CacheTxnTestingModule.forRoot({ world, ...more })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTIONS' }),
      );
    expect(() => CacheTxnTestingModule.forRoot({ seed: -1 })).toThrow(/seed: -1/);
  });

  it('lets time pass while it closes, so that a lock that a test left behind does not keep it open', async () => {
    const app = await start(CacheTxnTestingModule.forRoot({ shutdownGrace: '2s' }));
    const { clock } = app.get(TestWorld);
    await app.get(LockService).acquire('forgotten');
    await app.close();
    expect(clock.now()).toBeGreaterThanOrEqual(2_000);
  });

  it('stands still while it closes with nothing left to do', async () => {
    class SlowToClose {
      beforeApplicationShutdown = () => setTimeout(60);
    }
    const app = await start(CacheTxnTestingModule.forRoot(), { module: SlowToClose });
    const { clock } = app.get(TestWorld);
    await send(app, 'POST', '/seats/1/buy');
    await app.close();
    expect(clock.now()).toBe(0);
  });
});

describe('a test world', () => {
  it('evicts beyond maxEntries', async () => {
    const world = new TestWorld({ maxEntries: 128 });
    const app = await start(CacheTxnTestingModule.forRoot({ world }));
    const cache = app.get(TransactionalCache);
    for (let i = 0; i <= 128; i += 1) await cache.set(`k${i}`, i);
    expect([await cache.has('k0'), await cache.has('k128')]).toEqual([false, true]);
  });

  it('gives each store a seed that follows from its own', () => {
    const seeds = [new TestWorld({ seed: 7 }), new TestWorld({ seed: 7 })].map((world) => [
      world.store().seed,
      world.store().seed,
    ]);
    expect(seeds[0]).toEqual(seeds[1]);
    expect(new Set(seeds[0]).size).toBe(2);
  });
});
