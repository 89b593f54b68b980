import { describe, expect, it } from '@jest/globals';
import type { Lock } from '../../../src/lock/lock.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld, observe } from './lock-world.js';

describe('G4: release', () => {
  it('answers released once, and the same again without another call', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a');
    const both = await Promise.all([lock.release(), lock.release()]);
    expect([...both, await lock.release()]).toEqual(['released', 'released', 'released']);
    expect(store.count('releaseLocks')).toBe(1);
    expect([lock.isHeld(), lock.signal.aborted]).toEqual([false, false]);
    expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('answers lost for a lock that somebody else has by now, and leaves that one alone', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a');
    await store.forceReleaseLock('a');
    const next = await locks.acquire('a');
    await expect(lock.release()).resolves.toBe('lost');
    expect((await store.inspectLock('a'))?.fence).toBe(next.fence);
  });

  it.each([
    ['did not come through', unavailable],
    ['was not answered', lostReply],
    ['failed in a way nobody expects', async () => Promise.reject(new TypeError('a bug'))],
  ])('answers unknown and throws nothing when it %s; the reason is reported', async (_what, fault) => {
    const world = new LockWorld();
    const { locks, store, reported } = await world.process();
    const lock = await locks.acquire('a');
    store.next('releaseLocks', fault);
    await expect(lock.release()).resolves.toBe('unknown');
    await expect(lock.release()).resolves.toBe('unknown');
    expect(reported).toMatchObject([{ origin: { during: 'lock release', details: { names: ['a'] } } }]);
    expect(JSON.stringify(reported)).not.toContain(lock.token);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('counts as given back from the first moment, while its answer is on its way', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000 });
    const slow = gate();
    store.next('releaseLocks', slow.lateRequest);
    const releasing = observe(lock.release());
    expect(lock.isHeld()).toBe(false);
    await world.elapse(5_000);
    expect([lock.signal.aborted, store.count('renewLocks')]).toEqual([false, 0]);
    slow.open();
    await world.settle();
    expect(releasing.value).toBe('lost');
  });

  it('happens at the end of `await using`', async () => {
    const { locks, store } = await new LockWorld().process();
    let seen: Lock;
    {
      await using lock = await locks.acquire('a');
      seen = lock;
      expect(lock.isHeld()).toBe(true);
    }
    expect(seen.isHeld()).toBe(false);
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });
});

describe('withLock', () => {
  it('answers what the function answers, also when its lock was lost or its release failed', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lose = async (lock: Lock): Promise<string> => {
      await store.forceReleaseLock('a');
      await world.elapse(1_000);
      expect(lock.signal.aborted).toBe(true);
      return 'mine';
    };
    await expect(locks.withLock('a', { lease: 3_000 }, lose)).resolves.toBe('mine');
    store.next('releaseLocks', unavailable);
    await expect(locks.withLock('a', async () => 'mine')).resolves.toBe('mine');
  });

  it('throws what the function throws, also when it throws at once, its lock was lost or its release failed', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const mine = new Error('mine');
    store.next('releaseLocks', unavailable);
    await expect(locks.withLock('a', async () => Promise.reject(mine))).rejects.toBe(mine);
    const throwing = (): never => {
      throw mine;
    };
    await store.forceReleaseLock('a');
    await expect(locks.withLock('a', throwing)).rejects.toBe(mine);
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });

  it('does not run the function when the lock cannot be had', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    await locks.acquire('a');
    let runs = 0;
    await expect(locks.withLock('a', { wait: 0 }, async () => void (runs += 1))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    expect(runs).toBe(0);
  });
});

describe('G12: minHold', () => {
  it('keeps the name blocked that long after it was taken, without an owner, however early the release', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('job', { minHold: 1_000 });
    await world.elapse(5);
    await expect(lock.release()).resolves.toBe('released');
    expect(await store.inspectLock('job')).toMatchObject({ owner: '', expiresInMs: 995 });
    await world.elapse(994);
    await expect(locks.tryAcquire('job')).resolves.toBeNull();
    await world.elapse(1);
    await expect(locks.tryAcquire('job')).resolves.not.toBeNull();
  });

  it('blocks waiters too, and the first of them gets the name when it is over', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    const lock = await locks.acquire('job', { minHold: 1_000 });
    const waiting = [observe(locks.acquire('job')), observe(locks.acquire('job'))];
    await world.settle();
    await lock.release();
    await world.elapse(999);
    expect(waiting.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await world.elapse(200);
    expect(waiting.map(({ state }) => state)).toEqual(['fulfilled', 'pending']);
  });
});
