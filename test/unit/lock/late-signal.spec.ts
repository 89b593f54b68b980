import { describe, expect, it } from '@jest/globals';
import type { LockHandle } from '../../../src/lock/lock-handle.js';
import { LockWorld } from './lock-world.js';

/** A lock makes its signal when somebody asks; nobody may be able to tell. */
describe('the signal of a lock, asked for late', () => {
  it('G7: has fired when the lock was lost before, though nobody listened and nothing was asked of it', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000, renew: false });
    await world.elapse(2_000);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'expired' } });
  });

  it('G7: still fires in time when it is asked for in the middle of the lease', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000, renew: false });
    await world.elapse(500);
    const { signal } = lock;
    await world.elapse(449);
    expect(signal.aborted).toBe(false);
    await world.elapse(1);
    expect(signal.aborted).toBe(true);
  });

  it('keeps the state it had when the lock was given back', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    await locks.withLock('a', { lease: 3_000 }, async (outer) => {
      const early = await locks.acquire('a');
      await early.release();
      await store.forceReleaseLock('a');
      await world.elapse(1_000);
      expect([outer.isHeld(), early.signal.aborted]).toEqual([false, false]);
    });
    const lost = await locks.acquire('b', { lease: 1_000, renew: false });
    await world.elapse(2_000);
    await lost.release();
    expect(lost.signal.aborted).toBe(true);
  });

  it('has fired when the caller left before, and not when it left after the release', async () => {
    const { locks } = await new LockWorld().process();
    const caller = new AbortController();
    const [kept, given] = [
      await locks.acquireHandle('a', {}, caller.signal),
      await locks.acquireHandle('b', {}, caller.signal),
    ];
    await given.release();
    caller.abort(new Error('left'));
    expect([kept.signal.aborted, given.signal.aborted]).toEqual([true, false]);
    await kept.release();
    expect(kept.signal.aborted).toBe(true);
  });
});

describe('listening to the loss of a lock without its signal', () => {
  const losses = (lock: LockHandle): string[] => {
    const told: string[] = [];
    lock.onLost(({ message }) => told.push(message));
    return told;
  };

  it('G7: tells at the local deadline', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    const told = losses(await locks.acquireHandle('a', { lease: 1_000, renew: false }));
    await world.elapse(949);
    expect(told).toEqual([]);
    await world.elapse(1);
    expect(told).toEqual([expect.stringContaining('the lock a is lost')]);
  });

  it('tells that the caller left, at once when it has left before, and nothing after the release', async () => {
    const { locks } = await new LockWorld().process();
    const caller = new AbortController();
    const lock = await locks.acquireHandle('a', {}, caller.signal);
    const released = await locks.acquireHandle('b', {}, caller.signal);
    const [before, none] = [losses(lock), losses(released)];
    await released.release();
    caller.abort(new Error('left'));
    expect([before, losses(lock), none]).toEqual([['left'], ['left'], []]);
  });

  it('leaves no listener on the caller when it stops', async () => {
    const { locks } = await new LockWorld().process();
    const caller = new AbortController();
    const lock = await locks.acquireHandle('a', {}, caller.signal);
    const told: unknown[] = [];
    lock.onLost((reason) => told.push(reason))();
    caller.abort(new Error('left'));
    expect(told).toEqual([]);
  });
});
