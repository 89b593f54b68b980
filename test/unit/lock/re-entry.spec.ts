import { describe, expect, it } from '@jest/globals';
import { currentLock, heldLocks } from '../../../src/lock/held-locks.js';
import type { Lock } from '../../../src/lock/lock.js';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';
import { gate, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld, observe } from './lock-world.js';

describe('G10: the same name in the same call', () => {
  it('is re-entered without a call and freed by the outermost release', async () => {
    const { locks, store } = await new LockWorld().process();
    await locks.withLock('a', async (outer) => {
      const before = store.count();
      await locks.withLock('a', { wait: 0 }, async (inner) => {
        expect(inner).toMatchObject({ names: ['a'], fence: outer.fence, token: outer.token });
        await locks.withLock('a', async (innermost) => {
          innermost.assertHeld();
          expect(currentLock()).toBe(innermost);
        });
        inner.assertHeld();
        expect(currentLock()).toBe(inner);
      });
      const inner = await locks.acquire('a');
      await expect(inner.release()).resolves.toBe('released');
      expect([inner.isHeld(), store.count()]).toEqual([false, before]);
      outer.assertHeld();
    });
    expect([store.count('acquireLocks'), store.count('releaseLocks')]).toEqual([1, 1]);
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect(heldLocks()).toEqual([]);
  });

  it('is found through other locks in between, all of which stay locks of the call', async () => {
    const { locks, store } = await new LockWorld().process();
    await locks.withLock('a', () =>
      locks.withLock('b', () =>
        locks.withLock('a', async () => {
          expect(heldLocks().map(({ names }) => names)).toEqual([['a'], ['b'], ['a']]);
        }),
      ),
    );
    expect(store.count('acquireLocks')).toBe(2);
  });

  it('is held until the last of several concurrent inner holders has released it', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const gates = [gate(), gate()];
    const work = (i: number): Promise<void> => gates[i]!.lateRequest(async () => undefined) as Promise<void>;
    const inner: Promise<unknown>[] = [];
    await locks.withLock('a', async () => {
      for (const i of [0, 1]) inner.push(locks.withLock('a', () => work(i)));
      await world.settle();
    });
    expect(await store.inspectLock('a')).not.toBeNull();
    gates[1]!.open();
    await inner[1];
    expect(await store.inspectLock('a')).not.toBeNull();
    gates[0]!.open();
    await inner[0];
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect([store.count('acquireLocks'), store.count('releaseLocks')]).toEqual([1, 1]);
  });

  it('asks only for the names that are missing, and an inner release frees only those', async () => {
    const { locks, store } = await new LockWorld().process();
    await locks.withLock(['a', 'b'], async ({ fence }) => {
      await locks.withLock(['c', 'b', 'd'], async (inner) => {
        expect(store.requests<AcquireRequest>('acquireLocks').map(({ names }) => names)).toEqual([
          ['a', 'b'],
          ['c', 'd'],
        ]);
        expect(inner.names).toEqual(['c', 'b', 'd']);
        expect(inner.fence).toBeGreaterThan(fence);
        await store.forceReleaseLock('b');
        await expect(inner.release()).resolves.toBe('released');
      });
      expect(await store.inspectLock('a')).not.toBeNull();
      await expect(store.inspectLock('c')).resolves.toBeNull();
    });
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });

  it('gives the inner call the loss of the outer lock', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    await locks.withLock('a', { lease: 3_000 }, async () => {
      const inner = await locks.acquire(['a', 'b'], { lease: 60_000 });
      await store.forceReleaseLock('a');
      await world.elapse(1_000);
      expect([inner.isHeld(), inner.signal.aborted]).toEqual([false, true]);
      expect(() => inner.assertHeld()).toThrow(inner.signal.reason);
      await expect(inner.release()).resolves.toBe('lost');
    });
  });

  it('takes a new lock after the outer one was lost, and never speaks for the old one', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    await locks.withLock('a', { lease: 3_000 }, async (outer) => {
      await store.forceReleaseLock('a');
      await world.elapse(1_000);
      await locks.withLock('a', async (inner) => {
        expect(inner.isHeld()).toBe(true);
        expect(inner.fence).toBeGreaterThan(outer.fence);
        expect(outer.isHeld()).toBe(false);
      });
      await expect(outer.release()).resolves.toBe('lost');
    });
    await expect(store.inspectLock('a')).resolves.toBeNull();
  });

  it('is given back when the names beside it cannot be had', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const other = (await world.process()).locks;
    const inTheWay = await other.acquire('b');
    await locks.withLock('a', async (outer) => {
      await expect(locks.acquire(['a', 'b'], { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
      outer.assertHeld();
    });
    await expect(store.inspectLock('a')).resolves.toBeNull();
    inTheWay.assertHeld();
  });

  it('is not handed out when it was lost while the names beside it were waited for', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const other = (await world.process()).locks;
    const inTheWay = await other.acquire('b');
    await locks.withLock('a', { lease: 1_000 }, async () => {
      const both = observe(locks.acquire(['a', 'b'], { wait: '1m' }));
      await store.forceReleaseLock('a');
      await world.elapse(500);
      await inTheWay.release();
      await world.elapse(2_000);
      expect(both.error).toMatchObject({ code: 'LOCK_LOST' });
    });
    await expect(store.inspectLock('b')).resolves.toBeNull();
  });
});

describe('a lock released early', () => {
  it('is no longer the lock of the call', async () => {
    const { locks, store } = await new LockWorld().process();
    await locks.withLock('a', async (outer) => {
      await outer.release();
      expect([currentLock(), heldLocks()]).toEqual([undefined, []]);
      await locks.withLock('a', async (inner) => expect(inner.fence).toBeGreaterThan(outer.fence));
    });
    expect(store.count('acquireLocks')).toBe(2);
  });
});

describe('another call, or another service', () => {
  it('does not re-enter: it waits like everybody else', async () => {
    const world = new LockWorld();
    const [first, second] = [await world.process(), await world.process()];
    await first.locks.withLock('a', async () => {
      await expect(second.locks.tryAcquire('a')).resolves.toBeNull();
    });
    const held = await first.locks.acquire('a');
    await expect(first.locks.tryAcquire('a')).resolves.toBeNull();
    await held.release();
  });

  it('that outlives the outer lock takes its own', async () => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const late = gate();
    let outlived: Promise<Lock> | undefined;
    await locks.withLock('a', async () => {
      outlived = late.lateRequest(() => locks.acquire('a')) as Promise<Lock>;
    });
    late.open();
    const lock = await outlived!;
    expect(lock.isHeld()).toBe(true);
    expect(store.count('acquireLocks')).toBe(2);
    await lock.release();
  });

  it('whose store is away still re-enters what the call holds', async () => {
    const { locks, store } = await new LockWorld().process();
    await locks.withLock('a', async () => {
      store.always('acquireLocks', unavailable);
      await expect(locks.tryAcquire('a')).resolves.not.toBeNull();
    });
  });
});
