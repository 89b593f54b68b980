import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Extending leases. */
export const renewCases: readonly StoreConformanceCase[] = [
  {
    name: 'a renewed lease counts from the renewal, longer or shorter, and again when renewed twice',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      for (const leaseMs of [3 * LONG_MS, 3 * LONG_MS, LONG_MS]) {
        assert.equal(await ann.renew(name, { leaseMs }), 'held');
        const info = await heldLock(harness.store, name);
        assertWholeLease(info.expiresInMs, leaseMs);
        assert.equal(info.fence, fence);
      }
      await ann.renew(name, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      await assertFree(harness.store, name);
    },
  },
  {
    name: 'an expired lock is lost even when nobody has taken it, and renewing does not revive it',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.equal(await ann.renew(name), 'lost');
      assert.equal(await ann.renew(name), 'lost');
      await assertFree(harness.store, name);
    },
  },
  {
    name: 'a lock that is released, of another token, waited for, or never acquired is lost for whoever renews it',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [released, foreign, never] = [
        harness.uniqueName('released'),
        harness.uniqueName('foreign'),
        harness.uniqueName('never'),
      ];
      await ann.hold(released);
      await ann.release(released);
      await bob.hold(foreign);
      await cid.queue(foreign);
      assert.equal(await ann.renew(released), 'lost');
      assert.equal(await ann.renew(foreign, { leaseMs: 5 * LONG_MS }), 'lost');
      assert.equal(await cid.renew(foreign, { leaseMs: 5 * LONG_MS }), 'lost');
      assert.equal(await ann.renew(never), 'lost');
      assertWholeLease((await heldLock(harness.store, foreign)).expiresInMs);
      await assertFree(harness.store, released);
      await assertFree(harness.store, never);
    },
  },
  {
    name: 'one call renews many locks of several tokens and answers in order',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const names = Array.from({ length: 250 }, () => harness.uniqueName('lock'));
      for (const [index, name] of names.entries()) {
        if (index % 3 === 0) await ann.hold(name);
        if (index % 3 === 1) await bob.hold(name);
      }
      const outcomes = await harness.store.renewLocks(
        names.map((name, index) => ({ name, token: index % 2 === 0 ? 'ann' : 'bob', leaseMs: 3 * LONG_MS })),
      );
      const expected = names.map((_, index) => {
        const holder = ['ann', 'bob', 'nobody'][index % 3];
        return holder === (index % 2 === 0 ? 'ann' : 'bob') ? 'held' : 'lost';
      });
      assert.deepEqual(outcomes, expected);
      assertWholeLease((await heldLock(harness.store, names[0] ?? '')).expiresInMs, 3 * LONG_MS);
      assertWholeLease((await heldLock(harness.store, names[3] ?? '')).expiresInMs);
    },
  },
  {
    name: 'renewing nothing answers nothing',
    async run({ store }) {
      assert.deepEqual(await store.renewLocks([]), []);
    },
  },
  {
    name: 'a renewal raises the stored fence, and the next holders get larger ones, by hand-over and by acquisition',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const raised = (await ann.hold(name)) + 1_000_000_000_000;
      for (let call = 0; call < 2; call += 1) {
        assert.equal(await ann.renew(name, { fence: raised }), 'held');
        assert.equal((await heldLock(harness.store, name)).fence, raised);
      }
      await bob.queue(name);
      await ann.release(name);
      const handedOver = (await heldLock(harness.store, name)).fence;
      assert(handedOver > raised);
      await bob.release(name);
      assert((await cid.hold(name)) > handedOver);
    },
  },
  {
    name: 'a renewal never lowers the stored fence, and a lost one does not raise it',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert.equal(await ann.renew(name, { fence: fence - 1 }), 'held');
      assert.equal(await bob.renew(name, { fence: fence + 1_000 }), 'lost');
      assert.equal((await heldLock(harness.store, name)).fence, fence);
    },
  },
];
