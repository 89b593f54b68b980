import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Whose turn it is when a lock was handed over or its lease has ended. */
export const claimCases: readonly StoreConformanceCase[] = [
  {
    name: 'a claim that is not confirmed ends after the time the waiter asked for',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { claimMs: BRIEF_MS });
      await ann.release(name);
      await harness.elapse(TICK_MS);
      await assertFree(harness.store, name);
      assert.equal(await bob.holds(name), false);
    },
  },
  {
    name: 'asking again replaces the length of the claim',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { claimMs: BRIEF_MS });
      await bob.queue(name, { claimMs: LONG_MS });
      await ann.release(name);
      await harness.elapse(TICK_MS);
      assertWholeLease((await heldLock(harness.store, name)).expiresInMs);
      assert(await bob.holds(name));
    },
  },
  {
    name: 'a waiter confirms a claim by acquiring: same fence, whole lease',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const before = await ann.hold(name);
      await bob.queue(name);
      await ann.release(name);
      const { fence } = await heldLock(harness.store, name);
      assert(fence > before);
      assert.equal(await bob.hold(name, { leaseMs: 3 * LONG_MS }), fence);
      assertWholeLease((await heldLock(harness.store, name)).expiresInMs, 3 * LONG_MS);
    },
  },
  {
    name: 'a waiter confirms a claim by renewing',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.release(name);
      assert.equal(await bob.renew(name, { leaseMs: 3 * LONG_MS }), 'held');
      assertWholeLease((await heldLock(harness.store, name)).expiresInMs, 3 * LONG_MS);
    },
  },
  {
    name: 'after a claim has ended the next waiter gets the lock by asking',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      await bob.queue(name, { claimMs: BRIEF_MS });
      await cid.queue(name);
      await ann.release(name);
      await harness.elapse(TICK_MS);
      // Two numbers have been handed out since, to bob and to cid.
      assert((await cid.hold(name)) > fence + 1);
      assert.equal(await bob.holds(name), false);
    },
  },
  {
    name: 'an expired lock is its first waiter’s: it acquires by asking and leaves the queue',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const before = await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      await ann.expire(name, harness.elapse);
      assert((await bob.hold(name)) > before);
      assert.equal((await heldLock(harness.store, name)).waiters, 1);
      await bob.release(name);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'an expired lock with a live waiter is busy for a caller that does not queue, and nothing changes',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.expire(name, harness.elapse);
      assert.deepEqual(await cid.acquire(name), { kind: 'busy', name, remainingMs: 0 });
      await assertFree(harness.store, name);
      await bob.hold(name);
    },
  },
  {
    name: 'an expired lock whose first waiter has lapsed is the next live waiter’s',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await cid.queue(name);
      await ann.expire(name, harness.elapse);
      await cid.hold(name);
    },
  },
  {
    name: 'a newcomer at an expired lock queues behind the waiters, and the first of them is given the lock at once',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      const before = await ann.hold(name);
      await bob.queue(name, { claimMs: 2 * LONG_MS });
      await cid.queue(name);
      await ann.expire(name, harness.elapse);
      assertWholeLease(await dan.queue(name), 2 * LONG_MS);
      const { fence, waiters } = await heldLock(harness.store, name);
      assert(fence > before);
      assert.equal(waiters, 2);
      assert(await bob.holds(name));
      await bob.release(name);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'a later waiter that asks at an expired lock keeps its place while the first is given the lock',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      for (const waiter of [bob, cid, dan]) await waiter.queue(name);
      await ann.expire(name, harness.elapse);
      await cid.queue(name);
      assert(await bob.holds(name));
      await bob.release(name);
      assert(await cid.holds(name));
      assert.equal((await heldLock(harness.store, name)).waiters, 1);
    },
  },
];
