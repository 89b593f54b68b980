import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock, inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Waiting for several locks: what is held meanwhile. */
export const partialHoldCases: readonly StoreConformanceCase[] = [
  {
    name: 'a caller that queues holds the names before the busy one and none behind it',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = '', three = '', four = ''] = inOneSlot(harness, 4);
      await ann.hold(three);
      await bob.queue([one, two, three, four], {}, three);
      assert(await bob.holds(one));
      assert(await bob.holds(two));
      assert.equal((await heldLock(harness.store, one)).fence, (await heldLock(harness.store, two)).fence);
      assert.equal((await ann.acquire(one)).kind, 'busy');
      await ann.hold(four);
    },
  },
  {
    name: 'asking again extends the names already held and leaves their fences',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await bob.queue([one, two], {}, two);
      const { fence } = await heldLock(harness.store, one);
      await bob.queue([one, two], { leaseMs: 3 * LONG_MS }, two);
      const again = await heldLock(harness.store, one);
      assert.equal(again.fence, fence);
      assertWholeLease(again.expiresInMs, 3 * LONG_MS);
      assert.equal((await heldLock(harness.store, two)).waiters, 1);
    },
  },
  {
    name: 'a name that becomes free meanwhile is taken with a fence above those already held, which stay as they are',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold([two, three]);
      await bob.queue([one, two, three], {}, two);
      const raised = (await heldLock(harness.store, one)).fence + 1_000_000_000_000;
      await bob.renew(one, { fence: raised });
      await ann.release(two);
      await harness.store.forceReleaseLock(two);
      await bob.queue([one, two, three], {}, three);
      assert.equal((await heldLock(harness.store, one)).fence, raised);
      assert((await heldLock(harness.store, two)).fence > raised);
      await ann.release(three);
      const fence = await bob.hold([one, two, three]);
      assert(fence > raised);
      for (const name of [one, two, three]) assert.equal((await heldLock(harness.store, name)).fence, fence);
    },
  },
  {
    name: 'after the hand-over of the last name one more call acquires them all, without a new fence',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await bob.queue([one, two], {}, two);
      await ann.release(two);
      const handedOver = (await heldLock(harness.store, two)).fence;
      assert.equal(await bob.hold([one, two]), handedOver);
      assert.equal((await heldLock(harness.store, one)).fence, handedOver);
      assert.equal(await bob.release([one, two]), 'released');
    },
  },
  {
    name: 'after the hand-over of the busy name the caller queues at the next busy one and holds the first',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(one);
      await cid.hold(two);
      await bob.queue([one, two], {}, one);
      assert.equal((await heldLock(harness.store, two)).waiters, 0);
      await ann.release(one);
      await bob.queue([one, two], {}, two);
      assert(await bob.holds(one));
      await cid.release(two);
      await bob.hold([one, two]);
    },
  },
  {
    name: 'a name lost while waiting is waited for again, and acquiring all leaves every queue',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await bob.queue([one, two], {}, two);
      await bob.expire(one, harness.elapse);
      await cid.hold(one);
      await bob.queue([one, two], {}, one);
      assert.equal((await heldLock(harness.store, one)).waiters, 1);
      assert.equal((await heldLock(harness.store, two)).waiters, 1);
      await cid.release(one);
      await ann.expire(two, harness.elapse);
      await bob.hold([one, two]);
      assert.equal((await heldLock(harness.store, one)).waiters, 0);
      assert.equal((await heldLock(harness.store, two)).waiters, 0);
    },
  },
  {
    name: 'taking a name on the way leaves its queue',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(one);
      await cid.hold(two);
      await bob.queue(one);
      await ann.expire(one, harness.elapse);
      await bob.queue([one, two], {}, two);
      assert(await bob.holds(one));
      assert.equal((await heldLock(harness.store, one)).waiters, 0);
    },
  },
  {
    name: 'a full queue takes nothing',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await cid.queue(two);
      assert.deepEqual(await bob.join([one, two], { maxWaiters: 1 }), { kind: 'full', name: two });
      await assertFree(harness.store, one);
    },
  },
  {
    name: 'names behind a free lock that is somebody else’s turn are not taken, and the lock is handed to whoever is first',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold(two);
      await cid.queue(two);
      await ann.expire(two, harness.elapse);
      assertWholeLease(await bob.queue([one, two, three], {}, two));
      assert(await bob.holds(one));
      assert(await cid.holds(two));
      await assertFree(harness.store, three);
    },
  },
  {
    name: 'a partial hold ends with its lease when the waiter dies',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await bob.queue([one, two], { leaseMs: BRIEF_MS, queueMs: BRIEF_MS }, two);
      await harness.elapse(TICK_MS);
      await cid.hold(one);
      await ann.release(two);
      await cid.hold(two);
    },
  },
  {
    name: 'releasing every name gives back the partial hold and the place in the queue',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(two);
      await bob.queue([one, two], {}, two);
      for (let call = 0; call < 2; call += 1) {
        assert.equal(await bob.release([one, two]), 'lost');
        await assertFree(harness.store, one);
        assert.equal((await heldLock(harness.store, two)).waiters, 0);
      }
      await ann.release(two);
      await assertFree(harness.store, two);
    },
  },
  {
    name: 'a waiter that lost a name in front gives up what it holds behind, so that nobody waits in a circle',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold(three);
      await bob.queue([one, two, three], {}, three);
      await harness.store.forceReleaseLock(one);
      await cid.hold(one);
      await cid.queue([one, two], {}, two);
      await bob.queue([one, two, three], {}, one);
      assert(await cid.holds(two));
    },
  },
];
