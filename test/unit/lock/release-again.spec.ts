import { describe, expect, it } from '@jest/globals';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { TxnWorld } from '../../support/txn-world.js';
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

describe('G4: a release that finds a lease ended', () => {
  it('counts once, also when a listener of the signal that it fires releases too', async () => {
    const world = new TxnWorld();
    const app = await world.process();
    await app.locks.withLock('b', async (outer) => {
      const inner = await app.locks.acquire(['a', 'b'], { lease: '1s', renew: false });
      const running = app.coordinator.run({ timeout: '1m', locks: [inner] }, async (txn) => {
        txn.signal.addEventListener('abort', () => void inner.release());
        // Past the end of a's lease, short of b's, and no timer has run yet.
        app.block(1_500);
        await inner.release();
      });
      await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect(outer.isHeld()).toBe(true);
      expect(await app.locks.inspect('b')).not.toBeNull();
    });
    expect(await app.locks.inspect('b')).toBeNull();
  });
});
