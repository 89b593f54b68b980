import { describe, expect, it } from '@jest/globals';
import type { AcquireRequest, ReleaseRequest, RenewRequest } from '../../../src/store/lock-operations.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { LockWorld, observe } from './lock-world.js';

/** Three slots whose servers disagree about the time. */
const SLOTS = { slotsAheadMs: [0, 5_000, -5_000] };

describe('G11: names in several slots', () => {
  it('are taken slot by slot in one order, whatever the order in which they are given', async () => {
    const { locks, store } = await new LockWorld(SLOTS).process();
    const lock = await locks.acquire(['2:z', '0:b', '1:k', '0:a']);
    const asked = store.requests<AcquireRequest>('acquireLocks');
    expect(asked.map(({ names }) => names)).toEqual([['0:a', '0:b'], ['1:k'], ['2:z']]);
    expect(new Set(asked.map(({ token }) => token))).toEqual(new Set([lock.token]));
    expect(lock.names).toEqual(['2:z', '0:b', '1:k', '0:a']);
    await expect(lock.release()).resolves.toBe('released');
    for (const name of lock.names) await expect(store.inspectLock(name)).resolves.toBeNull();
  });

  it('are ordered by slot before name: two callers who share names but not all of them cannot wait for each other', async () => {
    const slots: Record<string, number> = { a: 1, b: 0, c: 1 };
    const world = new LockWorld({ slotsAheadMs: [0, 0], slotOfName: (name) => slots[name] ?? 0 });
    const { locks, store } = await world.process();
    await locks.acquire(['a', 'b', 'c']);
    expect(store.requests<AcquireRequest>('acquireLocks').map(({ names }) => names)).toEqual([['b'], ['a', 'c']]);
  });

  it('do not deadlock: two callers that name them the other way round both get through', async () => {
    const world = new LockWorld(SLOTS);
    const processes = [await world.process(), await world.process()];
    let done = 0;
    const all = Array.from({ length: 20 }, (_, i) =>
      processes[i % 2]!.locks.withLock(i % 2 ? ['0:a', '2:c'] : ['2:c', '0:a'], async () => void (done += 1)),
    );
    await world.elapse(1_000);
    await Promise.all(all);
    expect(done).toBe(20);
  });

  it.each([
    ['is busy', async () => undefined, 'LOCK_TIMEOUT'],
    ['does not answer', lostReply, 'STORE_TIMEOUT'],
    ['is away', unavailable, 'STORE_UNAVAILABLE'],
  ] as const)('are rolled back when the last slot %s, and minHold blocks none of them', async (what, fault, code) => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    if (what === 'is busy') await (await world.process()).locks.acquire('2:c');
    else
      store.next(
        'acquireLocks',
        (run) => run(),
        (run) => run(),
        fault,
      );
    const timers = world.clock.pendingTimers;
    const wish = { wait: 0, minHold: '1h' } as const;
    await expect(locks.acquire(['0:a', '1:b', '2:c'], wish)).rejects.toMatchObject({ code });
    await world.settle();
    for (const name of ['0:a', '1:b']) await expect(store.inspectLock(name)).resolves.toBeNull();
    expect(world.clock.pendingTimers).toBe(timers);
    await expect(locks.tryAcquire(['0:a', '1:b'])).resolves.not.toBeNull();
  });

  it('share one wait: it is not counted anew for each slot', async () => {
    const world = new LockWorld(SLOTS);
    const { locks } = await world.process();
    const other = (await world.process()).locks;
    const [first] = [await other.acquire('0:a'), await other.acquire('1:b')];
    const waiting = observe(locks.acquire(['0:a', '1:b'], { wait: 1_000 }));
    await world.elapse(800);
    await first.release();
    await world.elapse(199);
    expect(waiting.state).toBe('pending');
    await world.elapse(1);
    expect(waiting.error).toMatchObject({ code: 'LOCK_TIMEOUT', details: { name: '1:b' } });
  });

  it.each(['0:a', '1:b'])('are not handed out when %s was lost while the last was waited for', async (gone) => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    const inTheWay = await (await world.process()).locks.acquire('2:c');
    const waiting = observe(locks.acquire(['0:a', '1:b', '2:c'], { wait: '1m' }));
    await world.settle();
    await store.forceReleaseLock(gone);
    await world.elapse(4_000);
    await inTheWay.release();
    await world.settle();
    expect(waiting.error).toMatchObject({ code: 'LOCK_TIMEOUT', details: { name: gone } });
    for (const name of ['0:a', '1:b', '2:c']) await expect(store.inspectLock(name)).resolves.toBeNull();
  });

  it('keep the first ones alive while the last is waited for', async () => {
    const world = new LockWorld(SLOTS);
    const { locks } = await world.process();
    const inTheWay = await (await world.process()).locks.acquire('1:b');
    const waiting = observe(locks.acquire(['0:a', '1:b'], { lease: 1_000, wait: '1m' }));
    await world.elapse(20_000);
    await inTheWay.release();
    await world.settle();
    expect(waiting.value.isHeld()).toBe(true);
  });

  it('ignore a late hand-over message of a slot that is theirs already', async () => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    const other = (await world.process()).locks;
    await other.acquire('1:b');
    const waiting = observe(locks.acquire(['0:a', '1:b'], { wait: '1m' }));
    await world.settle();
    const { token } = store.requests<AcquireRequest>('acquireLocks')[0]!;
    store.tell({ token, name: '0:a', fence: Number.MAX_SAFE_INTEGER });
    await world.settle();
    expect(waiting.state).toBe('pending');
  });
});

describe('G2: the fence of names in several slots', () => {
  it('is the largest, and every slot is told, so that each next fence is larger', async () => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    const lock = await locks.acquire(['0:a', '1:b', '2:c']);
    const raised = store.requests<RenewRequest[]>('renewLocks').flat();
    expect(raised.map(({ name, fence }) => [name, fence])).toEqual([
      ['0:a', lock.fence],
      ['2:c', lock.fence],
    ]);
    await lock.release();
    for (const name of lock.names) expect((await locks.acquire(name)).fence).toBeGreaterThan(lock.fence);
  });

  it('is also the fence of an inner lock on one of the names', async () => {
    const { locks } = await new LockWorld(SLOTS).process();
    await locks.withLock(['0:a', '1:b'], async (outer) => {
      await locks.withLock('0:a', async (inner) => expect(inner.fence).toBe(outer.fence));
    });
  });

  it('covers a name that is re-entered beside a new one', async () => {
    const { locks } = await new LockWorld(SLOTS).process();
    let inner = 0;
    await locks.withLock('2:c', async () => {
      await locks.withLock(['2:c', '1:b'], async (lock) => void (inner = lock.fence));
    });
    expect((await locks.acquire('2:c')).fence).toBeGreaterThan(inner);
  });

  it.each([
    ['is lost', async () => ['lost', 'lost'], 'LOCK_TIMEOUT'],
    ['is not answered', async () => ['unknown', 'unknown'], 'STORE_TIMEOUT'],
    ['fails', lostReply, 'STORE_TIMEOUT'],
  ] as const)(
    'that cannot be raised because the lock %s gives nothing, and leaves nothing',
    async (_w, fault, code) => {
      const world = new LockWorld(SLOTS);
      const { locks, store } = await world.process();
      store.next('renewLocks', fault);
      await expect(locks.acquire(['0:a', '1:b', '2:c'])).rejects.toMatchObject({ code });
      for (const name of ['0:a', '1:b', '2:c']) await expect(store.inspectLock(name)).resolves.toBeNull();
      expect(world.clock.pendingTimers).toBe(0);
    },
  );
});

describe('a lock of several slots', () => {
  it('is lost as a whole when one slot lost its part, and released as far as it is held', async () => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    const lock = await locks.acquire(['0:a', '1:b'], { lease: 3_000 });
    await store.forceReleaseLock('1:b');
    await world.elapse(1_000);
    expect([lock.isHeld(), lock.signal.aborted]).toEqual([false, true]);
    await expect(lock.release()).resolves.toBe('lost');
    await expect(store.inspectLock('0:a')).resolves.toBeNull();
  });

  it('answers unknown when one slot does not, without holding back the release of the others', async () => {
    const world = new LockWorld(SLOTS);
    const { locks, store } = await world.process();
    const lock = await locks.acquire(['0:a', '1:b']);
    const slow = gate();
    store.next('releaseLocks', async (run) => {
      await slow.lateRequest(run);
      return unavailable(run);
    });
    const releasing = observe(lock.release());
    await world.settle();
    expect(releasing.state).toBe('pending');
    await expect(store.inspectLock('1:b')).resolves.toBeNull();
    slow.open();
    await world.settle();
    expect(releasing.value).toBe('unknown');
    // The one that failed is made again behind the caller's back.
    const released = store.requests<ReleaseRequest>('releaseLocks').map(({ names }) => names);
    expect(released).toEqual([['0:a'], ['1:b'], ['0:a']]);
  });
});
