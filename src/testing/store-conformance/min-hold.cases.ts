import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock, inOneSlot, listedNames } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** A lock that stays blocked for a while after its release. */
export const minHoldCases: readonly StoreConformanceCase[] = [
  {
    name: 'a lock released before its minimum hold is blocked without an owner until then',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name, { leaseMs: 5 * LONG_MS });
      assert.equal(await ann.release(name, { minHoldMs: LONG_MS }), 'released');
      const info = await heldLock(harness.store, name);
      assert.deepEqual({ owner: info.owner, fence: info.fence }, { owner: '', fence });
      assertWholeLease(info.expiresInMs);
      assert.deepEqual(await listedNames(harness.store, name), [name]);
      const outcome = await bob.acquire(name);
      assert(outcome.kind === 'busy');
      assertWholeLease(outcome.remainingMs);
    },
  },
  {
    name: 'a block outlasts a lease that would have ended sooner',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await ann.release(name, { minHoldMs: 3 * LONG_MS });
      assertWholeLease((await heldLock(harness.store, name)).expiresInMs, 3 * LONG_MS);
      assert.equal((await bob.acquire(name)).kind, 'busy');
    },
  },
  {
    name: 'a blocked lock is no longer its holder’s, who may release it again without effect',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await ann.release(name, { minHoldMs: LONG_MS });
      const { fence } = await heldLock(harness.store, name);
      assert.equal(await ann.holds(name), false);
      assert.equal((await ann.acquire(name)).kind, 'busy');
      for (const minHoldMs of [LONG_MS, 0]) {
        assert.equal(await ann.release(name, { minHoldMs }), 'lost');
        assert.equal((await heldLock(harness.store, name)).fence, fence);
      }
    },
  },
  {
    name: 'a blocked lock is not handed over: its waiters keep their places',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.release(name, { minHoldMs: LONG_MS });
      assert.equal(await bob.holds(name), false);
      assertWholeLease(await bob.queue(name));
      await cid.queue(name);
      assert.equal((await heldLock(harness.store, name)).waiters, 2);
    },
  },
  {
    name: 'when the block ends the first waiter gets the lock by asking, with a larger fence',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name);
      await ann.release(name, { minHoldMs: 20 * TICK_MS });
      await harness.elapse(21 * TICK_MS);
      assert((await bob.hold(name)) > fence);
      assert.equal((await heldLock(harness.store, name)).waiters, 1);
    },
  },
  {
    name: 'a lock held for its minimum already is handed over at once',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [waited = '', free = ''] = inOneSlot(harness, 2);
      await ann.hold([waited, free]);
      await bob.queue(waited);
      await harness.elapse(TICK_MS);
      assert.equal(await ann.release([waited, free], { minHoldMs: BRIEF_MS }), 'released');
      assert(await bob.holds(waited));
      await assertFree(harness.store, free);
    },
  },
  {
    name: 'the minimum hold counts from the first acquisition, not from renewals or re-entry',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await harness.elapse(10 * TICK_MS);
      await ann.renew(name);
      await ann.hold(name);
      await ann.release(name, { minHoldMs: 9 * TICK_MS });
      await assertFree(harness.store, name);
    },
  },
  {
    name: 'an expired lock that nobody took is blocked too, and lost',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.equal(await ann.release(name, { minHoldMs: LONG_MS }), 'lost');
      assert.equal((await heldLock(harness.store, name)).owner, '');
      assert.equal((await bob.acquire(name)).kind, 'busy');
    },
  },
  {
    name: 'force ends a block and hands the lock over',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      await ann.release(name, { minHoldMs: LONG_MS });
      assert.equal(await harness.store.forceReleaseLock(name), true);
      assert(await bob.holds(name));
    },
  },
];
