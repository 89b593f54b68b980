import { describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../../src/base/errors.js';
import type { Lock } from '../../../src/lock/lock.js';
import { type Fault, gate, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld, observe } from './lock-world.js';

/** Lengths of lease and the part of them that is given up: 5 %, between 5 and 500 ms. */
const LEASES = [
  { lease: 60, margin: 5 },
  { lease: 2_000, margin: 100 },
  { lease: 60_000, margin: 500 },
];

function reasonOf(lock: Lock): { readonly message: string; readonly details: unknown } {
  expect(lock.signal.reason).toBeInstanceOf(LockLostError);
  return lock.signal.reason as LockLostError;
}

describe.each(LEASES)('G7: the signal of a lock with a lease of $lease ms', ({ lease, margin }) => {
  it.each([
    ['does not answer', gate().lateRequest],
    ['answers for fewer locks than asked', async () => []],
    ['is away', unavailable],
  ] satisfies [string, Fault][])(
    'fires at lease - margin, before anybody else gets the lock, when the store %s',
    async (_what, fault) => {
      const world = new LockWorld();
      const { locks, store } = await world.process();
      const other = (await world.process()).locks;
      store.always('renewLocks', fault);
      const lock = await locks.acquire('a', { lease });
      let othersAtSignal: Promise<Lock | null> | undefined;
      lock.signal.addEventListener('abort', () => {
        othersAtSignal = other.tryAcquire('a');
      });

      await world.elapse(lease - margin - 1);
      expect([lock.signal.aborted, lock.isHeld()]).toEqual([false, true]);
      await world.elapse(1);
      expect([lock.signal.aborted, lock.isHeld()]).toEqual([true, false]);
      expect(reasonOf(lock).details).toEqual({ names: ['a'], reason: 'expired' });
      await expect(othersAtSignal).resolves.toBeNull();

      await world.elapse(margin);
      await expect(other.tryAcquire('a')).resolves.not.toBeNull();
    },
  );
});

describe('G7: the deadline of a lock', () => {
  it('counts from the moment before the command was sent, however late the answer', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('acquireLocks', slow.lateReply);
    const asking = observe(locks.acquire('a', { lease: 1_000, renew: false }));
    await world.elapse(600);
    slow.open();
    await world.settle();
    const lock = asking.value;
    await world.elapse(349);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(lock.signal.aborted).toBe(true);
  });

  it('moves with each renewal, counted from the moment before that was sent', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: 3_000 });
    const slow = gate();
    store.next('renewLocks', slow.lateReply);
    store.always('renewLocks', unavailable);
    await world.elapse(1_500);
    slow.open();
    await world.elapse(1_000 + 3_000 - 150 - 1_500 - 1);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(lock.signal.aborted).toBe(true);
  });

  it('is seen by isHeld() and assertHeld() when the event loop was blocked and no timer has run', async () => {
    const world = new LockWorld();
    const { locks, block } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000 });
    lock.assertHeld();
    block(949);
    expect(lock.isHeld()).toBe(true);
    block(1);
    expect(lock.isHeld()).toBe(false);
    expect(lock.signal.aborted).toBe(true);
    expect(() => lock.assertHeld()).toThrow(reasonOf(lock).message);
  });

  it('is seen by whoever asks for the signal when the event loop was blocked and no timer has run', async () => {
    const world = new LockWorld();
    const { locks, block } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000 });
    expect(lock.signal.aborted).toBe(false);
    block(950);
    expect(lock.signal.aborted).toBe(true);
  });

  it('has passed already when an answer took longer than the lease: the store is asked again, not the holder misled', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('acquireLocks', slow.lateReply);
    const asking = observe(locks.acquire('a', { lease: 500, wait: '5s', renew: false }));
    await world.elapse(600);
    slow.open();
    await world.elapse(100);
    expect(store.count('acquireLocks')).toBe(2);
    expect(asking.value.isHeld()).toBe(true);
  });

  it('has passed and so has the wait: nothing is left behind', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('acquireLocks', slow.lateReply);
    const asking = observe(locks.acquire('a', { lease: 500, wait: 100 }));
    await world.elapse(490);
    slow.open();
    await world.settle();
    expect(asking.error).toMatchObject({ code: 'STORE_TIMEOUT' });
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe('a lock that is not renewed', () => {
  it('ends with its lease, without a call', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const lock = await locks.acquire('a', { lease: 1_000, renew: false });
    await world.elapse(949);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(lock.isHeld()).toBe(false);
    expect(store.count('renewLocks')).toBe(0);
  });
});

describe('G8: maxHold', () => {
  it('fires the signal, and shortens the last leases so that the server frees the name just after', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const other = (await world.process()).locks;
    const lock = await locks.acquire('a', { lease: 900, maxHold: 2_000 });
    await world.elapse(1_999);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(lock.isHeld()).toBe(false);
    expect(reasonOf(lock).details).toEqual({ names: ['a'], reason: 'max-hold' });
    await expect(other.tryAcquire('a')).resolves.toBeNull();
    // The margin of a lease of 900 ms.
    await world.elapse(45);
    await expect(other.tryAcquire('a')).resolves.not.toBeNull();

    const renewals = store.requests<{ leaseMs: number }[]>('renewLocks').map(([request]) => request?.leaseMs);
    expect(renewals).toEqual([900, 900, 900, 845, 545, 245]);
  });

  it('also ends a lock that was handed over', async () => {
    const world = new LockWorld();
    const [holder, waiter] = [await world.process(), await world.process()];
    const held = await holder.locks.acquire('a');
    const waiting = observe(waiter.locks.acquire('a', { lease: 900, maxHold: 2_000 }));
    await world.elapse(200);
    await held.release();
    await world.settle();
    const lock = waiting.value;
    await world.elapse(1_999);
    expect(lock.isHeld()).toBe(true);
    await world.elapse(1);
    expect(reasonOf(lock).details).toEqual({ names: ['a'], reason: 'max-hold' });
  });
});
