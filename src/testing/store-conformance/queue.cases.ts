import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { Contender, contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Waiting for one lock: order, dead waiters, limits, claims. */
export const queueCases: readonly StoreConformanceCase[] = [
  {
    name: 'a busy lock queues the caller and tells how long the holder has left',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      assertWholeLease(await bob.queue(name));
      assert.equal((await heldLock(harness.store, name)).waiters, 1);
      assert.equal(await bob.holds(name), false);
    },
  },
  {
    name: 'a queued caller learns the stored fence, which every later hand-over exceeds',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      for (let call = 0; call < 2; call += 1) {
        const outcome = await bob.join(name);
        assert(outcome.kind === 'queued');
        assert.equal(outcome.fence, fence);
      }
      await ann.expire(name, harness.elapse);
      const behind = await cid.join(name);
      assert(behind.kind === 'queued');
      assert.equal(behind.fence, (await heldLock(harness.store, name)).fence);
      assert(behind.fence > fence);
    },
  },
  {
    name: 'asking again from the queue adds no second place',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await bob.queue(name);
      assert.equal((await heldLock(harness.store, name)).waiters, 1);
      await ann.release(name);
      assert.equal((await heldLock(harness.store, name)).waiters, 0);
    },
  },
  {
    name: 'waiters get the lock first in, first out, whatever their process and however often they ask',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      for (const waiter of [dan, bob, cid]) await waiter.queue(name);
      for (const waiter of [cid, bob, dan, bob]) await waiter.queue(name);
      const served: string[] = [];
      let holder = ann;
      for (const waiter of [dan, bob, cid]) {
        await holder.release(name);
        if (await waiter.holds(name)) served.push(waiter.token);
        holder = waiter;
      }
      assert.deepEqual(served, ['dan', 'bob', 'cid']);
    },
  },
  {
    name: 'a released lock with a waiter is never free: a newcomer meets it busy',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.release(name);
      assert.equal((await cid.acquire(name)).kind, 'busy');
      assert(await bob.holds(name));
    },
  },
  {
    name: 'a waiter whose place has lapsed is skipped',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await cid.queue(name);
      await harness.elapse(TICK_MS);
      assert.equal((await heldLock(harness.store, name)).waiters, 2);
      await ann.release(name);
      assert(await cid.holds(name));
      assert.equal(await bob.holds(name), false);
      assert.equal((await heldLock(harness.store, name)).waiters, 0);
    },
  },
  {
    name: 'a lock whose waiters have all lapsed becomes free',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await cid.queue(name, { queueMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.equal(await ann.release(name), 'released');
      await assertFree(harness.store, name);
      await dan.hold(name);
    },
  },
  {
    name: 'asking again renews the place',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await bob.queue(name, { queueMs: LONG_MS });
      await harness.elapse(TICK_MS);
      await ann.release(name);
      assert(await bob.holds(name));
    },
  },
  {
    name: 'asking again may shorten the place too',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: LONG_MS });
      await bob.queue(name, { queueMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      await ann.release(name);
      assert.equal(await bob.holds(name), false);
    },
  },
  {
    name: 'a waiter that asks again late finds its place as long as nobody has walked past it',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await cid.queue(name);
      await harness.elapse(TICK_MS);
      await bob.queue(name);
      await ann.release(name);
      assert(await bob.holds(name));
    },
  },
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
  {
    name: 'a full queue refuses the next waiter, not the ones that are in it',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { maxWaiters: 2 });
      await cid.queue(name, { maxWaiters: 2 });
      for (let call = 0; call < 2; call += 1) {
        assert.deepEqual(await dan.join(name, { maxWaiters: 2 }), { kind: 'full', name });
      }
      await bob.queue(name, { maxWaiters: 2 });
      await cid.queue(name, { maxWaiters: 1 });
      assert.equal((await heldLock(harness.store, name)).waiters, 2);
      await ann.release(name);
      await dan.queue(name, { maxWaiters: 2 });
    },
  },
  {
    name: 'lapsed waiters do not fill a queue',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { maxWaiters: 2, queueMs: BRIEF_MS });
      await cid.queue(name, { maxWaiters: 2 });
      await harness.elapse(TICK_MS);
      await dan.queue(name, { maxWaiters: 2 });
      assert.equal((await heldLock(harness.store, name)).waiters, 2);
      await ann.release(name);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'fifty waiters are served in the order in which they came',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      const waiters = Array.from(
        { length: 50 },
        (_, index) => new Contender(index % 2 === 0 ? harness.store : harness.second, `waiter-${index}`),
      );
      for (const waiter of waiters) await waiter.queue(name);
      let holder = ann;
      for (const waiter of waiters) {
        assert.equal(await holder.release(name), 'released');
        assert(await waiter.holds(name), `${waiter.token} is next`);
        holder = waiter;
      }
    },
  },
];
