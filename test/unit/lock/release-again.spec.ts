import { describe, expect, it } from '@jest/globals';
import { gate, lostReply, unavailable } from '../../support/scripted-store.js';
import { LockWorld } from './lock-world.js';

const LEASE_MS = 10_000;

describe('G4: a release without an answer', () => {
  it.each([
    ['did not come through', unavailable],
    ['was not answered', lostReply],
  ])('is made again when it %s, so that nobody waits for the end of the lease', async (_what, fault) => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: LEASE_MS });
    store.next('releaseLocks', fault, unavailable, unavailable);
    await expect(lock.release()).resolves.toBe('unknown');
    await world.elapse(LEASE_MS / 2);
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect([store.count('releaseLocks'), world.clock.pendingTimers]).toEqual([4, 0]);
  });

  it('keeps minHold: the name is blocked for as long as it was to be', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: LEASE_MS, minHold: 4_000 });
    store.next('releaseLocks', unavailable);
    await lock.release();
    await world.elapse(3_900);
    await expect(locks.tryAcquire('a')).resolves.toBeNull();
    await world.elapse(200);
    await expect(locks.tryAcquire('a')).resolves.not.toBeNull();
  });

  it('is made again for one lease at most, and leaves the next holder alone', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: LEASE_MS });
    store.always('releaseLocks', unavailable);
    await expect(lock.release()).resolves.toBe('unknown');
    await world.elapse(3 * LEASE_MS);
    const tries = store.count('releaseLocks');
    await world.elapse(3 * LEASE_MS);
    expect([store.count('releaseLocks'), world.clock.pendingTimers]).toEqual([tries, 0]);
    store.always('releaseLocks', undefined);

    const late = gate();
    const second = await locks.acquire('a', { lease: LEASE_MS });
    store.next('releaseLocks', unavailable, late.lateRequest);
    await second.release();
    await world.elapse(2 * LEASE_MS);
    const next = await locks.acquire('a', { lease: LEASE_MS });
    late.open();
    await world.settle();
    expect((await store.inspectLock('a'))?.fence).toBe(next.fence);
  });
});
