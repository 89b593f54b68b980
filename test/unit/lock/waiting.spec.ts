import { describe, expect, it } from '@jest/globals';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { followersOf, type LockProcess, LockWorld, observe } from './lock-world.js';

/** A world where somebody holds `a` for a long time. */
async function busyWorld(lock = {}): Promise<{ world: LockWorld; waiter: LockProcess; free: () => Promise<unknown> }> {
  const world = new LockWorld({ lock });
  const holder = await (await world.process()).locks.acquire('a', { maxHold: '1d' });
  return { world, waiter: await world.process(), free: () => holder.release() };
}

const waitersOf = async ({ store }: LockProcess): Promise<number | undefined> =>
  (await store.inspectLock('a'))?.waiters;

describe('G9: a waiter', () => {
  it('whose time is up leaves the queue and learns who is in the way for how long', async () => {
    const { world, waiter } = await busyWorld();
    const waiting = observe(waiter.locks.acquire('a', { wait: 3_000 }));
    await world.elapse(2_999);
    expect([waiting.state, await waitersOf(waiter)]).toEqual(['pending', 1]);
    await world.elapse(1);
    expect(waiting.error).toMatchObject({ code: 'LOCK_TIMEOUT', details: { names: ['a'], name: 'a' } });
    expect(waiting.error).toMatchObject({ details: { remainingMs: expect.any(Number) } });
    expect(await waitersOf(waiter)).toBe(0);
  });

  it('that aborts leaves the queue at once, with the reason of its signal', async () => {
    const { world, waiter } = await busyWorld();
    const caller = new AbortController();
    const waiting = observe(waiter.locks.acquire('a', { signal: caller.signal }));
    await world.elapse(700);
    const reason = new Error('the client left');
    caller.abort(reason);
    await world.settle();
    expect(waiting.error).toBe(reason);
    expect(await waitersOf(waiter)).toBe(0);
  });

  it('that has aborted before it asked costs no call', async () => {
    const { waiter } = await busyWorld();
    await expect(waiter.locks.acquire('a', { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(waiter.store.count()).toBe(0);
  });

  it.each([
    ['its request', 'lateRequest'],
    ['the answer', 'lateReply'],
  ] as const)('that aborts while %s is on its way gives back what it got', async (_what, fault) => {
    const world = new LockWorld();
    const { locks, store } = await world.process();
    const slow = gate();
    store.next('acquireLocks', slow[fault]);
    const caller = new AbortController();
    const waiting = observe(locks.acquire('a', { signal: caller.signal }));
    await world.settle();
    caller.abort(new Error('the client left'));
    slow.open();
    await world.settle();
    expect(waiting.error).toMatchObject({ message: 'the client left' });
    await expect(store.inspectLock('a')).resolves.toBeNull();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it.each([['in time'], ['lost']])(
    'that leaves while the lock is handed to it passes it on (message %s)',
    async (how) => {
      const { world, waiter, free } = await busyWorld();
      const next = await world.process();
      const caller = new AbortController();
      const leaving = observe(waiter.locks.acquire('a', { signal: caller.signal }));
      await world.settle();
      const following = observe(next.locks.acquire('a'));
      await world.settle();
      waiter.store.isDeaf = how === 'lost';
      const handedOver = free();
      caller.abort(new Error('the client left'));
      await handedOver;
      await world.settle();
      expect(leaving.error).toMatchObject({ message: 'the client left' });
      expect(following.value.isHeld()).toBe(true);
    },
  );

  it('leaves no timer, no listener and no follower of its signal behind, however it ends', async () => {
    const { world, waiter, free } = await busyWorld();
    const idle = world.clock.pendingTimers;
    const caller = new AbortController();
    const wish = { signal: caller.signal, wait: 100 };
    const [first, second] = [observe(waiter.locks.acquire('a', wish)), observe(waiter.locks.acquire('a', wish))];
    await world.elapse(100);
    expect([first.state, second.state]).toEqual(['rejected', 'rejected']);
    const third = observe(waiter.locks.acquire('a', wish));
    await world.settle();
    await free();
    await world.settle();
    await third.value.release();
    expect(followersOf(caller.signal)).toBe(0);
    expect(world.clock.pendingTimers).toBeLessThan(idle + 1);
    expect(waiter.store.listeners).toBe(2);
  });

  it('asks again at least every 1.25 s, which keeps its place', async () => {
    const { world, waiter } = await busyWorld();
    const waiting = observe(waiter.locks.acquire('a', { wait: '1h' }));
    await world.elapse(60_000);
    expect(waiter.store.count('acquireLocks')).toBeGreaterThanOrEqual(48);
    expect(waiter.store.count('acquireLocks')).toBeLessThanOrEqual(61);
    const tokens = waiter.store.requests<AcquireRequest>('acquireLocks').map(({ token }) => token);
    expect(new Set(tokens).size).toBe(1);
    expect([waiting.state, await waitersOf(waiter)]).toEqual(['pending', 1]);
  });

  it('whose process died loses its place within 5 s', async () => {
    const { world, waiter, free } = await busyWorld();
    observe(waiter.locks.acquire('a', { wait: '1h' }));
    await world.settle();
    waiter.store.always('acquireLocks', unavailable);
    const next = await world.process();
    await world.elapse(4_999);
    const following = observe(next.locks.acquire('a'));
    await world.elapse(1);
    await free();
    await world.settle();
    expect(following.value.isHeld()).toBe(true);
  });
});

describe('a store that fails while somebody waits', () => {
  it('is asked again until the wait is over, and then the failure is what the caller learns', async () => {
    const { world, waiter } = await busyWorld();
    waiter.store.always('acquireLocks', unavailable);
    const waiting = observe(waiter.locks.acquire('a', { wait: 2_000 }));
    await world.elapse(1_999);
    expect(waiting.state).toBe('pending');
    expect(waiter.store.count('acquireLocks')).toBeGreaterThan(5);
    await world.elapse(1);
    expect(waiting.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('and comes back costs nothing but the time', async () => {
    const { world, waiter, free } = await busyWorld();
    await free();
    waiter.store.next('acquireLocks', unavailable, lostReply, unavailable);
    const waiting = observe(waiter.locks.acquire('a', { wait: 2_000 }));
    await world.elapse(500);
    // G3: the second call took the lock, its answer was lost, and the fourth found it.
    expect(waiting.value.fence).toBe((await waiter.store.inspectLock('a'))?.fence);
  });

  it('fails a caller that does not wait at once, and gives back what it may have taken', async () => {
    const { world, waiter, free } = await busyWorld();
    await free();
    waiter.store.next('acquireLocks', lostReply);
    await expect(waiter.locks.tryAcquire('a')).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    await world.settle();
    await expect(waiter.store.inspectLock('a')).resolves.toBeNull();
  });

  it('and cannot take a withdrawal either is told again, so that no late request keeps the lock for nobody', async () => {
    const { world, waiter, free } = await busyWorld();
    await free();
    waiter.store.next('acquireLocks', lostReply);
    waiter.store.next('releaseLocks', unavailable, unavailable, unavailable);
    const waiting = observe(waiter.locks.acquire('a', { lease: '1h', wait: 0 }));
    await world.settle();
    expect(waiting.error).toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await waiter.store.inspectLock('a')).not.toBeNull();
    await world.elapse(1_000);
    await expect(waiter.store.inspectLock('a')).resolves.toBeNull();
    expect([waiter.reported, waiter.store.count('releaseLocks')]).toEqual([[], 4]);
  });

  it('and goes on to refuse it is left to itself after one lease; that is reported once', async () => {
    const { world, waiter } = await busyWorld();
    waiter.store.always('releaseLocks', unavailable);
    const waiting = observe(waiter.locks.acquire('a', { lease: 5_000, wait: 100 }));
    await world.elapse(100);
    expect(waiting.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await world.elapse(4_000);
    expect(waiter.reported).toEqual([]);
    await world.elapse(3_000);
    expect(waiter.reported).toMatchObject([{ origin: { during: 'leaving a lock queue', details: { names: ['a'] } } }]);
    const tries = waiter.store.count('releaseLocks');
    await world.elapse(60_000);
    expect(waiter.store.count('releaseLocks')).toBe(tries);
  });
});

describe('G3: a withdrawal that the store does not take', () => {
  it('is repeated until it does, so that nothing is kept for a caller that has left', async () => {
    const { world, waiter } = await busyWorld();
    waiter.store.always('releaseLocks', unavailable);
    const waiting = observe(waiter.locks.acquire('a', { wait: 100 }));
    await world.elapse(1_000);
    expect([waiting.state, await waitersOf(waiter)]).toEqual(['rejected', 1]);
    waiter.store.always('releaseLocks', undefined);
    await world.elapse(2_000);
    expect(await waitersOf(waiter)).toBe(0);
  });
});

describe('a full queue', () => {
  it('refuses at once, with what to do, and keeps nothing of the caller', async () => {
    const { world, waiter } = await busyWorld({ maxWaiters: 2 });
    observe(waiter.locks.acquire('a'));
    observe(waiter.locks.acquire('a'));
    await world.settle();
    const third = observe(waiter.locks.acquire(['0', 'a']));
    await world.settle();
    expect(third.error).toMatchObject({ code: 'LOCK_TIMEOUT', message: expect.stringContaining('maxWaiters') });
    expect(await waitersOf(waiter)).toBe(2);
    await expect(waiter.store.inspectLock('0')).resolves.toBeNull();
  });
});

describe('tryAcquire', () => {
  it('never waits: null for a busy name, in one call, with nothing left in the queue', async () => {
    const { world, waiter } = await busyWorld();
    await expect(waiter.locks.tryAcquire('a', { wait: '1h' })).resolves.toBeNull();
    expect(waiter.store.count()).toBe(1);
    expect(await waitersOf(waiter)).toBe(0);
    expect(world.clock.now()).toBe(0);
  });
});
