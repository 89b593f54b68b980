import assert from 'node:assert/strict';
import { StoreUnavailableError } from '../../base/errors.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';
import { entryOf, put, requestOf, written } from './committer.js';
import { contenders } from './contender.js';
import { heldLock, inOneSlot, listedNames } from './observations.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** Slots, identity, and the end of a process. */
export const lifecycleCases: readonly StoreConformanceCase[] = [
  {
    name: 'an entry and a lock with the same hash tag are in the same slot, in every process',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const slot = harness.store.slotOf('entry', one);
      assert(Number.isSafeInteger(slot) && slot >= 0);
      assert.equal(harness.store.slotOf('lock', two), slot);
      assert.equal(harness.second.slotOf('lock', one), slot);
    },
  },
  {
    name: 'every process sees the same identity of the data, as long as nothing is lost',
    async run(harness) {
      const identity = await harness.store.identity();
      assert(identity.length > 0);
      await written(harness, put(harness.uniqueName('entry'), 'value'));
      assert.deepEqual([await harness.store.identity(), await harness.second.identity()], [identity, identity]);
    },
  },
  {
    name: 'a stopped store refuses every operation as unavailable, and stopping it again is no error',
    async run(harness) {
      await harness.second.stop();
      await harness.second.stop();
      for (const [what, operation] of Object.entries(operationsOf(harness.second, harness))) {
        await assert.rejects(operation, StoreUnavailableError, `${what} is refused`);
      }
    },
  },
  {
    name: 'what a process left behind when it stopped is there for the others',
    async run(harness) {
      const { bob, ann } = contenders(harness);
      const name = harness.uniqueName('both');
      const number = await written(harness, put(name, 'value'));
      const fence = await bob.hold(name);
      await harness.second.stop();
      assert.deepEqual(await entryOf(harness.store, name), { value: 'value', version: number });
      assert.equal((await heldLock(harness.store, name)).fence, fence);
      assert.equal((await ann.acquire(name)).kind, 'busy');
    },
  },
  {
    name: 'a waiter whose process has stopped is given the lock all the same, until its claim ends',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      await harness.second.stop();
      assert.equal(await ann.release(name), 'released');
      const { fence } = await heldLock(harness.store, name);
      assert.equal(await cid.holds(name), false);
      assert.equal(await harness.store.forceReleaseLock(name, fence), true);
      assert(await cid.holds(name));
    },
  },
];

function operationsOf(store: CacheTxnStore, harness: StoreHarness): Readonly<Record<string, () => Promise<unknown>>> {
  const name = harness.uniqueName('stopped');
  const request = requestOf(harness, [put(name, 'value')]);
  const acquisition = { names: [name], token: 'ann', leaseMs: LONG_MS, claimMs: LONG_MS, queueMs: 0, maxWaiters: 1 };
  return {
    acquireLocks: () => store.acquireLocks(acquisition),
    renewLocks: () => store.renewLocks([{ name, token: 'ann', leaseMs: LONG_MS }]),
    releaseLocks: () => store.releaseLocks({ names: [name], token: 'ann' }),
    forceReleaseLock: () => store.forceReleaseLock(name),
    inspectLock: () => store.inspectLock(name),
    listLocks: () => listedNames(store, '*'),
    readEntries: () => store.readEntries([name]),
    commit: () => store.commit(request),
    resolveCommit: () => store.resolveCommit(request),
    leaseFill: () => store.leaseFill({ key: name, token: 'ann', leaseMs: LONG_MS }),
    fill: () => store.fill({ key: name, token: 'ann', value: 'value', ttlMs: 0, strategy: 'timestamp' }),
    watchEntries: () => store.watchEntries({ changed: () => undefined, gap: () => undefined, down: () => undefined }),
    identity: () => store.identity(),
  };
}
