import assert from 'node:assert/strict';
import { BRIEF_MS, TICK_MS, TICK_SEEN_MS } from './case-times.js';
import { contenders } from './contender.js';
import { assertFree, assertWholeLease, heldLock, listedNames } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** What operators see and do: inspect, list, force. */
export const lockAdministrationCases: readonly StoreConformanceCase[] = [
  {
    name: 'force takes a lock from its holder, who has lost it',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      assert.equal(await harness.second.forceReleaseLock(name), true);
      await assertFree(harness.store, name);
      assert.equal(await harness.second.forceReleaseLock(name), false);
      assert.equal(await ann.holds(name), false);
      assert.equal(await ann.release(name), 'lost');
      assert((await bob.hold(name)) > fence);
    },
  },
  {
    name: 'force hands the lock to the first live waiter',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await cid.queue(name);
      await harness.elapse(TICK_MS);
      assert.equal(await harness.store.forceReleaseLock(name), true);
      assert(await cid.holds(name));
    },
  },
  {
    name: 'force with a fence takes the lock from that holder only, however often it is called',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      await bob.queue(name);
      assert.equal(await harness.store.forceReleaseLock(name, fence + 1), false);
      assert(await ann.holds(name));
      assert.equal(await harness.store.forceReleaseLock(name, fence), true);
      assert.equal(await harness.store.forceReleaseLock(name, fence), false);
      assert(await bob.holds(name));
    },
  },
  {
    name: 'force does nothing to a lock that is expired or was never held, waiters or not',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      assert.equal(await harness.store.forceReleaseLock(harness.uniqueName('never')), false);
      const fence = await ann.hold(name);
      await bob.queue(name);
      await ann.expire(name, harness.elapse);
      assert.equal(await harness.store.forceReleaseLock(name), false);
      assert.equal(await harness.store.forceReleaseLock(name, fence), false);
      assert.equal(await bob.holds(name), false);
      await bob.hold(name);
    },
  },
  {
    name: 'inspection shows exactly name, fence, owner, times and waiters',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const fence = await ann.hold(name);
      await bob.queue(name);
      await cid.queue(name, { queueMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      const { owner, heldForMs, expiresInMs, ...rest } = await heldLock(harness.second, name);
      assert.deepEqual(rest, { name, fence, waiters: 2 });
      assert.equal(typeof owner, 'string');
      assert(heldForMs >= TICK_SEEN_MS);
      assertWholeLease(expiresInMs);
    },
  },
  {
    name: 'a lock handed over shows its new owner, fence and time of acquisition',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [name, bobs] = [harness.uniqueName('lock'), harness.uniqueName('reference')];
      const fence = await ann.hold(name);
      await bob.queue(name);
      await harness.elapse(10 * TICK_MS);
      await bob.hold(bobs);
      await ann.release(name);
      const info = await heldLock(harness.store, name);
      const reference = await heldLock(harness.store, bobs);
      assert.equal(info.owner, reference.owner);
      assert(info.fence > fence);
      assert(info.heldForMs <= reference.heldForMs);
    },
  },
  {
    name: 'inspection shows null for locks that are free, expired or unknown',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [released, expired] = [harness.uniqueName('released'), harness.uniqueName('expired')];
      await ann.hold(released);
      await ann.release(released);
      await ann.hold(expired);
      await bob.queue(expired);
      await ann.expire(expired, harness.elapse);
      for (const name of [released, expired, harness.uniqueName('never')]) await assertFree(harness.store, name);
    },
  },
  {
    name: 'the list has every held lock that fits the pattern once, from all processes, and no other',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const prefix = harness.uniqueName('list');
      const held = Array.from({ length: 30 }, (_, index) => `${prefix}:${String(index).padStart(2, '0')}`);
      for (const [index, name] of held.entries()) await (index % 2 === 0 ? ann : bob).hold(name);
      await cid.queue(held[0] ?? '');
      await ann.hold(`${prefix}:released`);
      await ann.release(`${prefix}:released`);
      await ann.hold(`${prefix}:expired`, { leaseMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.deepEqual(await listedNames(harness.second, `${prefix}*`), held);
    },
  },
  {
    name: 'in a pattern * stands for any characters and ? for one; everything else is itself',
    async run(harness) {
      const { ann } = contenders(harness);
      const prefix = harness.uniqueName('glob');
      const names = ['a', 'ab', 'abc', 'b', '[ab]', 'a.c', '\\a', '^', 'a\nb'].map((end) => `${prefix}:${end}`);
      for (const name of names) await ann.hold(name);
      const fitting = async (pattern: string): Promise<readonly string[]> =>
        (await listedNames(harness.store, `${prefix}:${pattern}`)).map((name) => name.slice(prefix.length + 1));
      assert.deepEqual(await fitting('a'), ['a']);
      assert.deepEqual(await fitting('a*'), ['a', 'a\nb', 'a.c', 'ab', 'abc']);
      assert.deepEqual(await fitting('a?c'), ['a.c', 'abc']);
      assert.deepEqual(await fitting('?'), ['^', 'a', 'b']);
      assert.deepEqual(await fitting('[ab]'), ['[ab]']);
      assert.deepEqual(await fitting('\\*'), ['\\a']);
      assert.deepEqual(await fitting('a.c'), ['a.c']);
      assert.deepEqual(await fitting('*b*'), ['[ab]', 'a\nb', 'ab', 'abc', 'b']);
      assert.deepEqual(await fitting('**?'), [...names].map((name) => name.slice(prefix.length + 1)).sort());
      assert.deepEqual(await fitting('nothing'), []);
    },
  },
  {
    name: 'a listed lock shows what inspection shows',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await bob.queue(name);
      for await (const info of harness.store.listLocks(name)) {
        const { fence, owner, waiters } = await heldLock(harness.store, name);
        assert.deepEqual(
          { name: info.name, fence: info.fence, owner: info.owner, waiters: info.waiters },
          { name, fence, owner, waiters },
        );
        assertWholeLease(info.expiresInMs);
      }
      assert.deepEqual(await listedNames(harness.store, name), [name]);
    },
  },
];
