import { AssertionError } from 'node:assert';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { expectHeld, expectNothingHeld, heldLocks, untilWaiting } from '../../../src/testing/assertions/held-locks.js';
import { TestWorld } from '../../../src/testing/test-world.js';

const start = async <T extends CacheTxnStore>(store: T): Promise<T> => {
  await store.start({ namespace: 'unit', processLabel: 'node-7', report: silentSink, warn: () => undefined });
  return store;
};

let world: TestWorld;
let store: CacheTxnStore;

beforeEach(async () => {
  world = new TestWorld();
  store = await start(world.store());
});

const acquire = (name: string, token = 'mine', queueMs = 0): Promise<unknown> =>
  store.acquireLocks({ names: [name], token, leaseMs: 10_000, claimMs: 1_000, queueMs, maxWaiters: 10 });

describe('held locks', () => {
  it('are those of the namespace, sorted, seen through every fault', async () => {
    await acquire('b');
    await acquire('a');
    world.store();
    const other = await start(world.store());
    other.always('*', 'refuse');
    expect(await heldLocks(other)).toMatchObject([
      { name: 'a', owner: 'node-7', expiresInMs: 10_000 },
      { name: 'b', owner: 'node-7' },
    ]);
    await expectHeld(other, 'b', 'a');
    expect(other.journal.filter(({ operation }) => operation !== 'start')).toEqual([]);
  });

  it('are looked at in any store', async () => {
    const plain = await start(memoryStore({ backend: new MemoryBackend() }));
    await expectNothingHeld(plain);
    await expect(expectHeld(plain, 'a')).rejects.toThrow(AssertionError);
  });

  it('end with their lease on the clock of the test', async () => {
    await acquire('a');
    await world.clock.advanceAsync(9_999);
    await expectHeld(store, 'a');
    await world.clock.advanceAsync(1);
    await expectNothingHeld(store);
  });

  it('fail an assertion with who holds what', async () => {
    await expect(expectHeld(store, 'a')).rejects.toThrow('nobody holds a; no lock is held');
    await acquire('a');
    await acquire('a', 'waiter', 5_000);
    await acquire('job');
    await store.releaseLocks({ names: ['job'], token: 'mine', minHoldMs: 500 });
    const locks = [
      '  a: held by node-7, for 10000 ms more, 1 waiting',
      '  job: blocked by minHold, for 500 ms more, 0 waiting',
    ].join('\n');
    await expect(expectHeld(store, 'a', 'x', 'y')).rejects.toMatchObject({
      message: `nobody holds x, y; these are held:\n${locks}`,
      actual: ['a', 'job'],
      expected: ['a', 'x', 'y'],
    });
    await expect(expectNothingHeld(store)).rejects.toMatchObject({
      message: `no lock should be held, but these are held:\n${locks}`,
      actual: ['a', 'job'],
      expected: [],
    });
  });
});

describe('untilWaiting', () => {
  it('returns as soon as enough callers wait for the lock', async () => {
    await acquire('a');
    const seen: string[] = [];
    const two = untilWaiting(store, 'a', { count: 2 }).then(() => seen.push('two wait'));
    await acquire('a', 'first', 5_000);
    await untilWaiting(store, 'a');
    seen.push('one waits');
    await acquire('a', 'second', 5_000);
    await two;
    expect(seen).toEqual(['one waits', 'two wait']);
  });

  it('gives up after a while, and says what did not happen', async () => {
    await expect(untilWaiting(store, 'a', { within: '5ms' })).rejects.toThrow(
      'within 5 ms it did not come true that 1 caller waits for the lock a',
    );
  });
});
