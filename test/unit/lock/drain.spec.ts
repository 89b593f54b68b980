import { describe, expect, it } from '@jest/globals';
import { ShuttingDownError } from '../../../src/base/errors.js';
import { gate, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld, observe } from './lock-world.js';

const GRACE_MS = 1_000;

describe('G13: a closing application', () => {
  it('refuses new locks before any call, and closes at once when it holds none', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const draining = observe(locks.drain(GRACE_MS));
    for (const ask of [locks.acquire('a'), locks.tryAcquire('a'), locks.withLock('a', async () => undefined)]) {
      await expect(ask).rejects.toThrow(ShuttingDownError);
    }
    await world.settle();
    expect(draining.state).toBe('fulfilled');
    expect([store.count(), store.listeners, world.clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  it('waits for the method of a held lock, keeps it renewed meanwhile, and fires no signal', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: 300 });
    const draining = observe(locks.drain(GRACE_MS));
    await world.elapse(900);
    expect([draining.state, lock.isHeld()]).toEqual(['pending', true]);
    expect(store.count('renewLocks')).toBe(9);
    await lock.release();
    await world.elapse(100);
    expect([draining.state, lock.signal.aborted]).toEqual(['fulfilled', false]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('lets a running method re-enter what its call holds: that is no new lock', async () => {
    const world = new LockWorld();
    const { locks } = await world.process();
    await locks.withLock('a', async () => {
      observe(locks.drain(GRACE_MS));
      await expect(locks.withLock('a', async () => 'done')).resolves.toBe('done');
      await expect(locks.acquire(['a', 'b'])).rejects.toThrow(ShuttingDownError);
    });
  });

  it('fires the signals after the grace, and releases only when the method has settled', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: 60_000 });
    const draining = observe(locks.drain(GRACE_MS));
    await world.elapse(GRACE_MS - 1);
    expect(lock.signal.aborted).toBe(false);
    await world.elapse(50);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'shutdown' } });
    expect(await store.inspectLock('a')).not.toBeNull();
    await world.elapse(500);
    expect(draining.state).toBe('pending');
    await lock.release();
    await world.elapse(50);
    expect(draining.state).toBe('fulfilled');
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });

  it('leaves the lock of a method that never settles to its lease, says so, and stops all its own timers', async () => {
    const world = new LockWorld();
    const { locks, store, reported } = await world.process();
    await locks.acquire('a', { lease: 60_000 });
    const draining = observe(locks.drain(GRACE_MS));
    await world.elapse(2 * GRACE_MS + 100);
    expect(draining.state).toBe('fulfilled');
    expect(reported).toMatchObject([{ origin: { during: 'shutdown', details: { names: ['a'] } } }]);
    expect([store.count('releaseLocks'), world.clock.pendingTimers, store.listeners]).toEqual([0, 0, 0]);
    expect(await store.inspectLock('a')).not.toBeNull();
  });

  it('stays closed when a renewal is answered after it has closed', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('renewLocks', slow.lateReply);
    const lock = await locks.acquire('a', { lease: 60_000 });
    await world.elapse(20_000);
    observe(locks.drain(GRACE_MS));
    await world.elapse(2 * GRACE_MS + 100);
    slow.open();
    await world.settle();
    expect([world.clock.pendingTimers, lock.isHeld()]).toEqual([0, false]);
  });

  it('sends its waiters away and has left the queue before it is closed', async () => {
    const world = new LockWorld();
    const [first, closing] = [await world.process(), await world.process()];
    await first.locks.acquire('a');
    const waiting = observe(closing.locks.acquire('a', { wait: '1m' }));
    await world.settle();
    const slow = gate();
    closing.store.next('releaseLocks', slow.lateRequest);
    const draining = observe(closing.locks.drain(GRACE_MS));
    await world.elapse(100);
    expect(waiting.error).toBeInstanceOf(ShuttingDownError);
    expect(draining.state).toBe('pending');
    slow.open();
    await world.elapse(100);
    expect(draining.state).toBe('fulfilled');
    expect((await closing.store.inspectLock('a'))?.waiters).toBe(0);
  });

  it.each([
    ['request', 'lateRequest'],
    ['answer', 'lateReply'],
  ] as const)('waits for an acquire whose %s is on its way, and gives back what it got', async (_what, fault) => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('acquireLocks', slow[fault]);
    const asking = observe(locks.acquire('a'));
    await world.settle();
    const draining = observe(locks.drain(GRACE_MS));
    await world.elapse(200);
    expect(draining.state).toBe('pending');
    slow.open();
    await world.elapse(100);
    expect(asking.error).toBeInstanceOf(ShuttingDownError);
    expect(draining.state).toBe('fulfilled');
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('gives up a withdrawal that the store does not take, rather than outlive itself', async () => {
    const world = new LockWorld();
    const [first, closing] = [await world.process(), await world.process()];
    await first.locks.acquire('a', { renew: false });
    observe(closing.locks.acquire('a', { lease: '1d', wait: '1m' }));
    await world.settle();
    closing.store.always('releaseLocks', unavailable);
    const draining = observe(closing.locks.drain(GRACE_MS));
    await world.elapse(2 * GRACE_MS + 100);
    expect(draining.state).toBe('fulfilled');
    expect(closing.reported).toMatchObject([{ origin: { during: 'leaving a lock queue' } }]);
    const tries = closing.store.count('releaseLocks');
    await world.elapse(60_000);
    expect([closing.store.count('releaseLocks'), world.clock.pendingTimers]).toEqual([tries, 0]);
  });

  it('does not wait for ever for a store that does not answer', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    store.always('acquireLocks', gate().lateRequest);
    observe(locks.acquire('a'));
    await world.settle();
    const draining = observe(locks.drain(GRACE_MS));
    await world.elapse(2 * GRACE_MS + 100);
    expect(draining.state).toBe('fulfilled');
  });

  it('answers the late release of a method that settled after the store was closed, without throwing', async () => {
    const world = new LockWorld();
    const { locks, store, reported } = await world.process();
    const lock = await locks.acquire('a');
    observe(locks.drain(GRACE_MS));
    await world.elapse(2 * GRACE_MS + 100);
    await store.stop();
    await expect(lock.release()).resolves.toBe('unknown');
    expect(reported.map(({ origin }) => origin.during)).toEqual(['shutdown', 'lock release']);
  });
});
