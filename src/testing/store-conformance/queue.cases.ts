import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { Contender, contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Waiting for one lock: order, places, limits. */
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
