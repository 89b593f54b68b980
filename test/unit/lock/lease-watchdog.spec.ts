import { describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { StoreReplyError } from '../../../src/base/errors.js';
import type { RenewRequest } from '../../../src/store/lock-operations.js';
import { gate, lostReply, type ScriptedStore, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld } from './lock-world.js';

const LEASE = { lease: 3_000 } as const;

/** How many leases each renewal was about. */
const sizesOf = (store: ScriptedStore): number[] =>
  store.requests<RenewRequest[]>('renewLocks').map((batch) => batch.length);

describe('G8: held locks', () => {
  it('are renewed in one call for all of them, each third of a lease', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const held = await Promise.all(Array.from({ length: 1_000 }, (_, i) => locks.acquire(`n${i}`, LEASE)));
    await world.elapse(10_000);
    expect(store.count('renewLocks')).toBe(10);
    expect(store.requests<RenewRequest[]>('renewLocks').every((batch) => batch.length === 1_000)).toBe(true);
    expect(held.every((lock) => lock.isHeld())).toBe(true);
  });

  it('that were taken one after the other share their calls from the first renewal on', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    for (const name of ['a', 'b', 'c', 'd']) {
      await locks.acquire(name, LEASE);
      await world.elapse(240);
    }
    await world.elapse(10_000 - 4 * 240);
    expect(sizesOf(store)).toEqual(Array(10).fill(4));
  });

  it('that are due a little later join the call, and those that have just been renewed do not', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    for (const lease of [3_000, 3_600, 9_000]) await locks.acquire(`n${lease}`, { lease });
    await world.elapse(6_000);
    // At 1,000 ms all; then the long one, renewed each 3 s by itself, only when half of that is over.
    expect(sizesOf(store)).toEqual([3, 2, 3, 2, 3, 2]);
  });

  it('are renewed by the period of the shortest lease, and cost nothing once all are released', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const long = await locks.acquire('long', { lease: 30_000 });
    const short = await locks.acquire('short', { lease: 300 });
    await world.elapse(1_000);
    expect([long.isHeld(), short.isHeld()]).toEqual([true, true]);
    expect(store.count('renewLocks')).toBe(10);
    await Promise.all([long.release(), short.release()]);
    expect(world.clock.pendingTimers).toBe(0);
    await world.elapse(100_000);
    expect(store.count('renewLocks')).toBe(10);
  });
});

describe('G7: a renewal', () => {
  it('that finds the lock gone fires the signal at once, and the lock is never taken again in secret', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire(['a', 'b'], LEASE);
    await store.forceReleaseLock('b');
    await world.elapse(999);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { names: ['a', 'b'], reason: 'taken' } });
    expect(world.clock.pendingTimers).toBe(0);
    await world.elapse(10_000);
    expect([store.count('renewLocks'), store.count('acquireLocks')]).toEqual([1, 1]);
    await expect(store.inspectLock('b')).resolves.toBeNull();
  });

  it.each([
    ['was not sent', unavailable],
    ['lost its answer', lostReply],
    ['failed inside the store', async () => Promise.reject(new StoreReplyError('foreign data'))],
  ])('that %s is made again in time, and the lock lives on', async (_what, fault) => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', LEASE);
    store.next('renewLocks', fault, fault, fault);
    await world.elapse(20_000);
    expect(lock.isHeld()).toBe(true);
    expect(store.count('renewLocks')).toBeGreaterThan(20);
  });

  it('is tried at least six times before the deadline, and its errors are reported', async () => {
    const world = new LockWorld();
    const { locks, store, reported } = await world.process();
    const lock = await locks.acquire('a', LEASE);
    store.always('renewLocks', async () => Promise.reject(new StoreReplyError('foreign data')));
    await world.elapse(3_000);
    expect(lock.isHeld()).toBe(false);
    expect(store.count('renewLocks')).toBeGreaterThanOrEqual(6);
    expect(store.count('renewLocks')).toBeLessThan(60);
    expect(reported).toHaveLength(store.count('renewLocks'));
    expect(reported[0]?.origin.during).toBe('lock renewal');
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('that is on its way is not sent again beside that of another lock', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('renewLocks', slow.lateReply);
    const first = await locks.acquire('a', LEASE);
    await world.elapse(1_000);
    await locks.acquire('b', { lease: 300 });
    await world.elapse(1_000);
    const names = store.requests<RenewRequest[]>('renewLocks').map((batch) => batch.map(({ name }) => name).join());
    expect(names).toEqual(['a', ...Array<string>(10).fill('b')]);
    slow.open();
    await world.elapse(5_000);
    expect(first.isHeld()).toBe(true);
  });

  it('that a slow slot does not answer leaves the locks of the others alone', async () => {
    const world = new LockWorld({ slotsAheadMs: [0, 0] });
    const { locks, store } = await world.process();
    const [frozen, healthy] = [await locks.acquire('0:a', LEASE), await locks.acquire('1:b', LEASE)];
    const never = gate();
    // As a store does that asks its slots side by side: one answer for all, when the last slot has answered.
    store.always('renewLocks', (run) => run());
    const renew = store.renewLocks.bind(store);
    store.renewLocks = async (requests) => {
      if (requests.some(({ name }) => name === '0:a')) store.next('renewLocks', never.lateRequest);
      return renew(requests);
    };
    await world.elapse(10_000);
    expect([frozen.isHeld(), healthy.isHeld()]).toEqual([false, true]);
  });
});

describe('an abort listener', () => {
  it('runs in the asynchronous context of the call that took the lock, whoever else is renewed with it', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const requestOf = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const take = (name: string): Promise<unknown> =>
      requestOf.run(`request of ${name}`, async () => {
        const lock = await locks.acquire(name, LEASE);
        lock.signal.addEventListener('abort', () => seen.push(requestOf.getStore()));
      });
    for (const name of ['a', 'b', 'c']) await take(name);
    const contexts: unknown[] = [];
    store.always('renewLocks', (run) => {
      contexts.push(requestOf.getStore());
      return run();
    });
    await store.forceReleaseLock('b');
    await world.elapse(1_000);
    store.always('renewLocks', unavailable);
    await world.elapse(3_000);
    expect(seen).toEqual(['request of b', 'request of a', 'request of c']);
    // The renewal itself belongs to no request, and keeps none alive.
    expect(contexts).toEqual([undefined]);
  });
});

describe('a lock released while its renewal is on its way', () => {
  it('stays released: the late answer renews nothing and leaves no timer', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('renewLocks', slow.lateReply);
    const lock = await locks.acquire('a', LEASE);
    await world.elapse(1_000);
    await expect(lock.release()).resolves.toBe('released');
    slow.open();
    await world.settle();
    expect([lock.isHeld(), lock.signal.aborted]).toEqual([false, false]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('stays released when the renewal itself arrives late: it cannot take the lock of the next holder', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const next = (await world.process()).locks;
    const slow = gate();
    store.next('renewLocks', slow.lateRequest);
    const lock = await locks.acquire('a', LEASE);
    await world.elapse(1_000);
    await lock.release();
    const taken = await next.acquire('a', { lease: 400, renew: false });
    slow.open();
    await world.settle();
    expect((await store.inspectLock('a'))?.fence).toBe(taken.fence);
    await world.elapse(400);
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });
});
