import { beforeEach, describe, expect, it } from '@jest/globals';
import { escalate } from '../../../src/txn/escalation.js';
import { gate } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ version: { backoff: { initial: 0, max: 0 }, attempts: 10 } });
  other = await world.process();
});

/** Reads `keys`, is overtaken on `overtakenOn(attempt)`, and writes. */
function unlucky(
  keys: readonly string[],
  overtakenOn: (attempt: number) => readonly string[],
  escalateAfter?: number,
): Promise<number> {
  return app.coordinator.runWithRetry({ retry: { ...(escalateAfter && { escalateAfter }) } }, async ({ attempt }) => {
    await app.cache.getMany(keys);
    for (const key of overtakenOn(attempt)) await other.cache.set(key, 'theirs');
    await app.cache.set('result', attempt);
    return attempt;
  });
}

const lockedNames = (): string[][] => app.store.requests<{ names: string[] }>('acquireLocks').map(({ names }) => names);

describe('a transaction that keeps losing', () => {
  it('G30: takes locks on the keys that conflicted, and gives them back', async () => {
    await world.finish(unlucky(['a', 'b', 'c'], (attempt) => (attempt <= 2 ? ['a', 'c'] : [])));
    expect(lockedNames()).toEqual([
      ['conflict/a', 'conflict/c'],
      ['conflict/a', 'conflict/c'],
    ]);
    expect(app.store.count('releaseLocks')).toBe(2);
    expect(await other.locks.inspect('conflict/a')).toBeNull();
  });

  it('G30: takes them later when escalateAfter says so', async () => {
    await world.finish(unlucky(['a'], (attempt) => (attempt <= 3 ? ['a'] : []), 3));
    expect(lockedNames()).toEqual([['conflict/a']]);
  });

  it('G30: waits for another one that has escalated on the same key, and then gets through at once', async () => {
    const working = gate();
    await other.cache.set('n', 0);
    const holder = observe(
      other.coordinator.runWithRetry(
        { retry: { escalateAfter: 1, backoff: { initial: 0, max: 0 } } },
        async ({ attempt }) => {
          await other.cache.update<number>('n', (n = 0) => n + 1);
          if (attempt === 1) await app.cache.set('n', 10);
          else await working.lateRequest(async () => undefined);
        },
      ),
    );
    await world.elapse(0);
    const runs: number[] = [];
    const follower = observe(
      app.coordinator.runWithRetry({ retry: { escalateAfter: 1 } }, async ({ attempt }) => {
        runs.push(attempt);
        await app.cache.update<number>('n', (n = 0) => n + 1);
        if (attempt === 1) await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('n', 20));
      }),
    );
    await world.elapse(0);
    expect([runs, holder.state, follower.state]).toEqual([[1], 'pending', 'pending']);
    working.open();
    await world.elapse(1_000);
    expect([holder.state, follower.state]).toEqual(['fulfilled', 'fulfilled']);
    expect([runs, await other.cache.get('n')]).toEqual([[1, 2], 22]);
  });

  it('G30: goes on without the locks when they stay busy for half of its time: they order, they do not guard', async () => {
    await other.locks.acquire('conflict/a', { lease: '1h' });
    const running = observe(unlucky(['a'], (attempt) => (attempt <= 1 ? ['a'] : [])));
    await world.elapse(2_499);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.value).toBe(2);
    expect(app.commits().flatMap(({ guards }) => guards)).toEqual([]);
  });

  it('G30: loses no time over a lock of its own that is lost: versions decide', async () => {
    app.store.always('renewLocks', async () => ['lost']);
    const running = observe(
      app.coordinator.runWithRetry({ timeout: '1m' }, async ({ attempt }) => {
        await app.cache.get('a');
        if (attempt <= 1) await other.cache.set('a', attempt);
        else await new Promise<void>((resolve) => world.clock.after(30_000, resolve));
        return attempt;
      }),
    );
    await world.elapse(40_000);
    expect(running.value).toBe(2);
  });
});

describe('the locks of an escalation', () => {
  it('G25: are within the limits of a lock, however many keys have conflicted and however long they are', async () => {
    const keys = [...Array.from({ length: 200 }, (_, i) => `k${i}`), 'x'.repeat(512)];
    const release = await escalate(app.locks, keys, 1_000, new AbortController().signal);
    expect(lockedNames().flat()).toHaveLength(128);
    await release();
    expect(await app.locks.inspect('conflict/k0')).toBeNull();
  });

  it('cost nothing without contended keys', async () => {
    await (
      await escalate(app.locks, [], 1_000, new AbortController().signal)
    )();
    expect(app.store.count()).toBe(0);
  });

  it('G11: of two transactions on the same keys in another order do not deadlock', async () => {
    const first = await escalate(app.locks, ['a', 'b'], 10_000, new AbortController().signal);
    const second = observe(escalate(other.locks, ['b', 'a'], 10_000, new AbortController().signal));
    await world.settle();
    expect(second.state).toBe('pending');
    await first();
    await world.settle();
    expect(second.state).toBe('fulfilled');
  });

  it('G13: are done without while the application closes: what is running may finish', async () => {
    await app.locks.drain(0);
    const release = await escalate(app.locks, ['a'], 1_000, new AbortController().signal);
    expect(await other.locks.inspect('conflict/a')).toBeNull();
    await release();
  });

  it('pass on why nothing could be locked: the caller went away', async () => {
    await other.locks.acquire('conflict/a', { lease: '1h' });
    const caller = new AbortController();
    const waiting = observe(escalate(app.locks, ['a'], 10_000, caller.signal));
    await world.settle();
    const gone = new Error('gone');
    caller.abort(gone);
    await world.settle();
    expect(waiting.error).toBe(gone);
  });
});
