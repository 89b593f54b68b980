import assert from 'node:assert/strict';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, heldLock, inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Giving locks back. */
export const releaseCases: readonly StoreConformanceCase[] = [
  {
    name: 'a held lock is released once; the second call says lost and changes nothing',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert.equal(await ann.release(name), 'released');
      await assertFree(harness.store, name);
      assert.equal(await ann.release(name), 'lost');
      await assertFree(harness.store, name);
      assert((await bob.hold(name)) > fence);
      assert.equal(await ann.release(name), 'lost');
      assert(await bob.holds(name));
    },
  },
  {
    name: 'a second release does not take the lock from the waiter that got it',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      assert.equal(await ann.release(name), 'released');
      const { fence } = await heldLock(harness.store, name);
      assert.equal(await ann.release(name), 'lost');
      assert.equal((await heldLock(harness.store, name)).fence, fence);
      assert(await bob.holds(name));
    },
  },
  {
    name: 'a lock of another token stays where it is',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert.equal(await bob.release(name), 'lost');
      assert.equal((await heldLock(harness.store, name)).fence, fence);
      assert(await ann.holds(name));
    },
  },
  {
    name: 'releasing a name nobody ever acquired says lost',
    async run(harness) {
      const { ann } = contenders(harness);
      assert.equal(await ann.release(harness.uniqueName('never')), 'lost');
    },
  },
  {
    name: 'an expired lock that nobody took says lost',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.equal(await ann.release(name), 'lost');
      assert((await bob.hold(name)) > fence);
    },
  },
  {
    name: 'an expired lock that nobody took still goes to its first waiter when its holder releases it',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.expire(name, harness.elapse);
      assert.equal(await ann.release(name), 'lost');
      assert(await bob.holds(name));
    },
  },
  {
    name: 'a waiter leaves the queue by releasing; the others move up',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      for (let call = 0; call < 2; call += 1) {
        assert.equal(await bob.release(name), 'lost');
        assert.equal((await heldLock(harness.store, name)).waiters, 1);
      }
      await ann.release(name);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'a waiter that left and comes back is last',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      await bob.release(name);
      await bob.queue(name);
      await ann.release(name);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'several locks are released together, each to its own first waiter',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold([one, two, three]);
      await bob.queue(one);
      await cid.queue(three);
      assert.equal(await ann.release([one, two, three]), 'released');
      assert(await bob.holds(one));
      await assertFree(harness.store, two);
      assert(await cid.holds(three));
    },
  },
  {
    name: 'when one of several locks is lost the answer is lost, and the others are released all the same',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      await ann.hold([one, two, three]);
      await harness.store.forceReleaseLock(two);
      await bob.hold(two);
      assert.equal(await ann.release([one, two, three]), 'lost');
      await assertFree(harness.store, one);
      await assertFree(harness.store, three);
      assert(await bob.holds(two));
    },
  },
];
