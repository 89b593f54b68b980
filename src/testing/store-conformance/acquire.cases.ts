import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS, TICK_SEEN_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock, inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** One caller takes locks, or does not, without queueing. */
export const acquireCases: readonly StoreConformanceCase[] = [
  {
    name: 'a free lock is acquired with a fence above zero',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert(Number.isSafeInteger(fence) && fence > 0);
      const info = await heldLock(harness.second, name);
      assert.equal(info.fence, fence);
      assertWholeLease(info.expiresInMs);
    },
  },
  {
    name: 'a held lock is busy for every other token, in its own process and in others, and tells how long at most',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      for (const other of [bob, cid]) {
        const outcome = await other.acquire(name);
        assert(outcome.kind === 'busy');
        assert.equal(outcome.name, name);
        assertWholeLease(outcome.remainingMs);
        assert.equal(await other.holds(name), false);
      }
      assert(await ann.holds(name));
    },
  },
  {
    name: 'a caller that does not queue leaves nothing behind at a busy lock',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      await bob.acquire(name);
      const { fence: fenceAfter, waiters } = await heldLock(harness.store, name);
      assert.deepEqual({ fenceAfter, waiters }, { fenceAfter: fence, waiters: 0 });
      await ann.release(name);
      await assertFree(harness.store, name);
    },
  },
  {
    name: 'the same token acquires its lock again with the same fence, from any process',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert.equal(await ann.hold(name), fence);
      assert.deepEqual(
        await harness.second.acquireLocks({
          names: [name],
          token: ann.token,
          leaseMs: LONG_MS,
          claimMs: LONG_MS,
          queueMs: LONG_MS,
          maxWaiters: 1,
        }),
        { kind: 'acquired', fence },
      );
    },
  },
  {
    name: 'acquiring again counts the lease from now and keeps the time of the acquisition',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await harness.elapse(TICK_MS);
      await ann.hold(name, { leaseMs: 3 * LONG_MS });
      const { expiresInMs, heldForMs } = await heldLock(harness.store, name);
      assertWholeLease(expiresInMs, 3 * LONG_MS);
      assert(heldForMs >= TICK_SEEN_MS);
    },
  },
  {
    name: 'an expired lock goes to whoever asks, with a larger fence, and is lost for its holder',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert((await bob.hold(name)) > fence);
      assert.equal(await ann.holds(name), false);
      assert.equal((await ann.acquire(name)).kind, 'busy');
    },
  },
  {
    name: 'a holder whose lease has expired gets its free lock back with a new fence and a new time of acquisition',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name, { leaseMs: BRIEF_MS });
      await harness.elapse(10 * TICK_MS);
      const reference = harness.uniqueName('acquired-before');
      await ann.hold(reference);
      assert((await ann.hold(name)) > fence);
      const { heldForMs } = await heldLock(harness.store, name);
      assert(heldForMs <= (await heldLock(harness.store, reference)).heldForMs);
    },
  },
  {
    name: 'fences of one name only grow: by acquisition, expiry, hand-over and force',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fences = [await ann.hold(name)];
      await ann.release(name);
      fences.push(await bob.hold(name));
      await bob.release(name);
      fences.push(await ann.hold(name, { leaseMs: BRIEF_MS }));
      await harness.elapse(TICK_MS);
      fences.push(await bob.hold(name));
      await cid.queue(name);
      await dan.queue(name);
      await bob.release(name);
      fences.push(await cid.hold(name));
      await harness.store.forceReleaseLock(name);
      fences.push(await dan.hold(name));
      await harness.store.forceReleaseLock(name);
      fences.push(await ann.hold(name));
      assert.deepEqual(
        fences,
        [...new Set(fences)].sort((a, b) => a - b),
      );
    },
  },
  {
    name: 'the owner shown is the process that acquired',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [first, other, same] = [harness.uniqueName('a'), harness.uniqueName('b'), harness.uniqueName('c')];
      await ann.hold(first);
      await bob.hold(other);
      await cid.hold(same);
      const owner = (await heldLock(harness.store, first)).owner;
      assert.notEqual(owner, '');
      assert.equal((await heldLock(harness.second, same)).owner, owner);
      assert.notEqual((await heldLock(harness.store, other)).owner, owner);
    },
  },
  {
    name: 'several free locks are acquired together under one fence',
    async run(harness) {
      const { ann } = contenders(harness);
      const names = inOneSlot(harness, 3);
      const fence = await ann.hold(names);
      for (const name of names) assert.equal((await heldLock(harness.store, name)).fence, fence);
      assert.equal(await ann.hold(names), fence);
    },
  },
  {
    name: 'one acquisition takes 128 locks',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const names = inOneSlot(harness, 128);
      const fence = await ann.hold(names);
      const last = names.at(-1) ?? '';
      assert.equal((await heldLock(harness.store, last)).fence, fence);
      assert.deepEqual(await ann.release(names), 'released');
      assert((await bob.hold(last)) > fence);
    },
  },
  {
    name: 'without queueing several locks are taken all or none, and the first busy one is named',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = '', three = '', four = ''] = inOneSlot(harness, 4);
      await bob.hold([two, four]);
      const outcome = await ann.acquire([one, two, three, four]);
      assert.deepEqual([outcome.kind, outcome.kind === 'busy' && outcome.name], ['busy', two]);
      await assertFree(harness.store, one);
      await assertFree(harness.store, three);
    },
  },
  {
    name: 'names are taken in the order of the request, not in the order of the alphabet',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await bob.hold([one, two]);
      const outcome = await ann.acquire([two, one]);
      assert.equal(outcome.kind === 'busy' && outcome.name, two);
    },
  },
  {
    name: 'the common fence is larger than every earlier fence of every name',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const raised = (await ann.hold(two)) + 1_000_000_000_000;
      await ann.renew(two, { fence: raised });
      await ann.release(two);
      const fence = await bob.hold([one, two]);
      assert(fence > raised);
      await bob.release([one, two]);
      assert((await ann.hold(one)) > fence);
    },
  },
  {
    name: 'adding a free lock to a held one gives both a new fence and keeps the time of the first acquisition',
    async run(harness) {
      const { ann } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const before = await ann.hold(one);
      await harness.elapse(10 * TICK_MS);
      const fence = await ann.hold([one, two]);
      assert(fence > before);
      const added = await heldLock(harness.store, two);
      const first = await heldLock(harness.store, one);
      assert.deepEqual([first.fence, added.fence], [fence, fence]);
      assert(first.heldForMs - added.heldForMs >= 9 * TICK_MS);
    },
  },
  {
    name: 'acquiring held locks of different fences again mints none: the largest becomes the fence of all',
    async run(harness) {
      const { ann } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold(one);
      await ann.hold(two);
      const largest = (await ann.hold(three)) + 5;
      await ann.renew(two, { fence: largest });
      assert.equal(await ann.hold([one, two, three]), largest);
      for (const name of [one, two, three]) assert.equal((await heldLock(harness.store, name)).fence, largest);
    },
  },
];
