import { describe, expect, it } from '@jest/globals';
import type { Lock } from '../../../src/lock/lock.js';
import type { AcquireRequest, RenewRequest } from '../../../src/store/lock-operations.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { type LockProcess, LockWorld, type Observed, observe } from './lock-world.js';

interface Scene {
  readonly world: LockWorld;
  readonly holder: Lock;
  readonly waiter: LockProcess;
  readonly waiting: Observed<Lock>;
}

/** Somebody holds `a`, and another process has queued for it. */
async function queueForA(options: { lease?: number; wait?: number; random?: () => number } = {}): Promise<Scene> {
  const { random = () => 0.5, ...wish } = options;
  const world = new LockWorld({ random });
  const [first, waiter] = [await world.process(), await world.process()];
  const holder = await first.locks.acquire('a');
  const waiting = observe(waiter.locks.acquire('a', { lease: 10_000, wait: 30_000, ...wish }));
  await world.settle();
  return { world, holder, waiter, waiting };
}

describe('G5: a lock that is handed over', () => {
  it('belongs to its waiter on receipt and is confirmed by one renewal: two calls in all', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    await world.elapse(300);
    await holder.release();
    await world.settle();
    expect(waiting.value.isHeld()).toBe(true);
    expect(waiting.value.fence).toBeGreaterThan(holder.fence);
    const token = waiting.value.token;
    expect(waiter.store.calls).toMatchObject([
      { operation: 'acquireLocks', request: { names: ['a'], token } },
      { operation: 'renewLocks', request: [{ name: 'a', token, leaseMs: 10_000 }] },
    ]);
    await world.elapse(60_000);
    expect(waiting.value.isHeld()).toBe(true);
  });

  it('is confirmed once and then left alone when it is not to be renewed', async () => {
    const world = new LockWorld();
    const [first, waiter] = [await world.process(), await world.process()];
    const holder = await first.locks.acquire('a');
    const waiting = observe(waiter.locks.acquire('a', { lease: 5_000, renew: false }));
    await world.elapse(300);
    await holder.release();
    await world.elapse(4_749);
    expect(waiting.value.isHeld()).toBe(true);
    await world.elapse(1);
    expect(waiting.value.isHeld()).toBe(false);
    expect(waiter.store.count('renewLocks')).toBe(1);
  });

  it('is a short claim until the confirmation is answered: its signal fires by the bound of the claim', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    waiter.store.always('renewLocks', gate().lateRequest);
    await world.elapse(300);
    await holder.release();
    // The question that was answered "queued" was sent at 0; the claim of 2 s began later, at 300.
    await world.elapse(1_899 - 300);
    expect(waiting.value.isHeld()).toBe(true);
    await world.elapse(1);
    expect(waiting.value.signal.aborted).toBe(true);
  });

  it.each([
    ['was not sent', unavailable],
    ['lost its answer', lostReply],
  ])('is kept when its confirmation %s: it is made again within the claim', async (_what, fault) => {
    const { world, holder, waiter, waiting } = await queueForA();
    await world.elapse(1_000);
    waiter.store.next('renewLocks', fault, fault);
    await holder.release();
    await world.elapse(60_000);
    expect(waiting.value.isHeld()).toBe(true);
  });

  it('is lost to a confirmation that comes too late, and the signal says so', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    const slow = gate();
    waiter.store.next('renewLocks', slow.lateRequest);
    await world.elapse(300);
    await holder.release();
    await world.settle();
    const lock = waiting.value;
    await waiter.store.forceReleaseLock('a');
    slow.open();
    await world.settle();
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'taken' } });
  });
});

describe('a hand-over message', () => {
  it('with a fence that is not larger than the last one seen is ignored: it speaks of an earlier claim', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    const { token } = waiter.store.requests<AcquireRequest>('acquireLocks')[0]!;
    waiter.store.tell({ token, name: 'a', fence: holder.fence });
    waiter.store.tell({ token, name: 'a', fence: holder.fence - 1 });
    await world.settle();
    expect(waiting.state).toBe('pending');
    expect(holder.isHeld()).toBe(true);
  });

  it('of another waiter, or of another name, gives nothing', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    const { token } = waiter.store.requests<AcquireRequest>('acquireLocks')[0]!;
    waiter.store.tell({ token: 'somebody else', name: 'a', fence: holder.fence + 1_000 });
    waiter.store.tell({ token, name: 'b', fence: holder.fence + 1_000 });
    await world.settle();
    expect(waiting.state).toBe('pending');
  });

  it('that comes after the claim may have ended makes the waiter ask again', async () => {
    const { world, holder, waiter, waiting } = await queueForA({ lease: 400 });
    waiter.store.isDeaf = true;
    await world.elapse(200);
    await holder.release();
    const { fence } = (await waiter.store.inspectLock('a'))!;
    const { token } = waiter.store.requests<AcquireRequest>('acquireLocks')[0]!;
    // Polls fail meanwhile, so that the last answer is of 0 ms and vouches for a claim of 400 - 20 ms from then on.
    waiter.store.always('acquireLocks', unavailable);
    await world.elapse(185);
    expect(waiting.state).toBe('pending');
    waiter.store.always('acquireLocks', undefined);
    waiter.store.tell({ token, name: 'a', fence });
    await world.settle();
    expect(waiting.value).toMatchObject({ fence });
    expect(waiting.value.isHeld()).toBe(true);
    expect(waiter.store.count('renewLocks')).toBe(0);
  });

  it('that overtakes the answer of its own question counts all the same', async () => {
    const world = new LockWorld();
    const [first, waiter] = [await world.process(), await world.process()];
    const holder = await first.locks.acquire('a');
    const slow = gate();
    waiter.store.next('acquireLocks', slow.lateReply);
    const waiting = observe(waiter.locks.acquire('a', { wait: 30_000 }));
    await world.elapse(200);
    await holder.release();
    await world.settle();
    expect(waiting.state).toBe('pending');
    slow.open();
    await world.settle();
    expect(waiting.value.isHeld()).toBe(true);
    expect(waiter.store.count('acquireLocks')).toBe(1);
  });

  it('that was lost costs at most 1.25 s (G6)', async () => {
    const { world, holder, waiter, waiting } = await queueForA({ random: () => 0.999_999 });
    waiter.store.isDeaf = true;
    await holder.release();
    await world.elapse(1_249);
    expect(waiting.state).toBe('pending');
    await world.elapse(1);
    expect(waiting.value.isHeld()).toBe(true);
    // Taken by asking: the full lease, with nothing to confirm.
    expect(waiter.store.requests<RenewRequest[]>('renewLocks')).toEqual([]);
  });

  it('that may have been lost in a gap makes every waiter ask at once', async () => {
    const { world, holder, waiter, waiting } = await queueForA();
    waiter.store.isDeaf = true;
    await holder.release();
    await world.settle();
    expect(waiting.state).toBe('pending');
    waiter.store.gap();
    await world.settle();
    expect(waiting.value.isHeld()).toBe(true);
  });

  it('lost in a gap while a question was on its way is noticed too', async () => {
    const world = new LockWorld();
    const [first, waiter] = [await world.process(), await world.process()];
    const holder = await first.locks.acquire('a');
    const slow = gate();
    waiter.store.next('acquireLocks', slow.lateReply);
    waiter.store.isDeaf = true;
    const waiting = observe(waiter.locks.acquire('a'));
    await world.settle();
    await holder.release();
    waiter.store.gap();
    slow.open();
    await world.settle();
    expect(waiting.value.isHeld()).toBe(true);
  });
});

describe('G5: waiters', () => {
  it('are served in the order in which they queued, over all processes', async () => {
    const world = new LockWorld();
    const processes = await Promise.all([world.process(), world.process(), world.process()]);
    const holder = await processes[0].locks.acquire('a');
    const served: number[] = [];
    const all = Array.from({ length: 30 }, (_, i) =>
      processes[i % 3]!.locks.withLock('a', async (lock) => {
        served.push(i);
        lock.assertHeld();
      }),
    );
    await world.settle();
    await holder.release();
    await world.elapse(0);
    await Promise.all(all);
    expect(served).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });
});
