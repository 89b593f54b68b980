import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { contenders } from './contender.js';
import { eventually, hearing, heldLock, inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** The hints that tell a waiter it has been given a lock. */
export const handOverCases: readonly StoreConformanceCase[] = [
  {
    name: 'a hand-over is told to the waiter’s process, with token, name and fence, and to no other',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const name = harness.uniqueName('lock');
      const [first, second] = [hearing(harness.store, name), hearing(harness.second, name)];
      await ann.hold(name);
      await bob.queue(name);
      await ann.release(name);
      const { fence } = await heldLock(harness.store, name);
      await eventually(() => second.length > 0, 'the hand-over is heard');
      await setTimeout(TICK_MS);
      assert.deepEqual(second, [{ token: 'bob', name, fence }]);
      assert.deepEqual(first, []);
    },
  },
  {
    name: 'a hand-over is not told before the operation that caused it has returned',
    async run(harness) {
      const { ann, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      await ann.hold(name);
      await cid.queue(name);
      const heard = hearing(harness.store, name);
      const releasing = ann.release(name);
      assert.deepEqual(heard, []);
      await releasing;
      await eventually(() => heard.length === 1, 'the hand-over is heard');
    },
  },
  {
    name: 'names and tokens arrive as they were given, whatever characters they have',
    async run(harness) {
      const { ann } = contenders(harness);
      const name = `${harness.uniqueName('odd')} a:b {tag} "ü" 漢\\n\n*`;
      const heard = hearing(harness.store, name);
      await ann.hold(name);
      const token = 'aB-_09aB-_09aB-_09aB-_';
      await harness.store.acquireLocks({
        names: [name],
        token,
        leaseMs: LONG_MS,
        claimMs: LONG_MS,
        queueMs: LONG_MS,
        maxWaiters: 10,
      });
      await ann.release(name);
      await eventually(() => heard.length > 0, 'the hand-over is heard');
      assert.deepEqual(heard, [{ token, name, fence: (await heldLock(harness.store, name)).fence }]);
    },
  },
  {
    name: 'hand-overs by force and at an expired lock are told too, in order',
    async run(harness) {
      const { ann, bob, cid, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      const heard = hearing(harness.second, name);
      await ann.hold(name);
      await bob.queue(name);
      await dan.queue(name);
      await harness.store.forceReleaseLock(name);
      await bob.expire(name, harness.elapse);
      await cid.queue(name);
      await eventually(() => heard.length === 2, 'both hand-overs are heard');
      assert.deepEqual(
        heard.map(({ token }) => token),
        ['bob', 'dan'],
      );
      assert((heard[0]?.fence ?? 0) < (heard[1]?.fence ?? 0));
    },
  },
  {
    name: 'a hand-over on the way to several locks is told with the name that was handed over',
    async run(harness) {
      const { ann, bob, cid } = contenders(harness);
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      const heard = hearing(harness.second, two);
      await ann.hold(two);
      await bob.queue(two);
      await ann.expire(two, harness.elapse);
      await cid.queue([one, two, three], {}, two);
      await eventually(() => heard.length > 0, 'the hand-over is heard');
      assert.deepEqual(heard, [{ token: 'bob', name: two, fence: (await heldLock(harness.store, two)).fence }]);
    },
  },
  {
    name: 'releasing several locks tells every waiter',
    async run(harness) {
      const { ann, bob, dan } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const [atOne, atTwo] = [hearing(harness.second, one), hearing(harness.second, two)];
      await ann.hold([one, two]);
      await bob.queue(one);
      await dan.queue(two);
      await ann.release([one, two]);
      await eventually(() => atOne.length + atTwo.length === 2, 'both hand-overs are heard');
      assert.deepEqual([atOne[0]?.token, atTwo[0]?.token], ['bob', 'dan']);
    },
  },
  {
    name: 'a lapsed waiter and a waiter that left are not told',
    async run(harness) {
      const { ann, bob, dan } = contenders(harness);
      const name = harness.uniqueName('lock');
      const heard = hearing(harness.second, name);
      await ann.hold(name);
      await bob.queue(name, { queueMs: BRIEF_MS });
      await dan.queue(name);
      await dan.release(name);
      await harness.elapse(TICK_MS);
      await ann.release(name);
      await setTimeout(2 * TICK_MS);
      assert.deepEqual(heard, []);
    },
  },
  {
    name: 'every listener hears a hand-over until it unsubscribes',
    async run(harness) {
      const { ann, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      const heard: string[] = [];
      const stopA = harness.store.onHandover(() => heard.push('a'));
      harness.store.onHandover(() => heard.push('b'));
      await ann.hold(name);
      await cid.queue(name);
      await ann.release(name);
      await eventually(() => heard.length === 2, 'both listeners hear it');
      stopA();
      stopA();
      await ann.queue(name);
      await cid.release(name);
      await eventually(() => heard.length === 3, 'the other listener hears it');
      await setTimeout(TICK_MS);
      assert.deepEqual(heard, ['a', 'b', 'b']);
    },
  },
  {
    name: 'a gap listener is not called while nothing is lost, and unsubscribes',
    async run(harness) {
      const { ann, cid } = contenders(harness);
      const name = harness.uniqueName('lock');
      let gaps = 0;
      const stop = harness.store.onHandoverGap(() => {
        gaps += 1;
      });
      const heard = hearing(harness.store, name);
      await ann.hold(name);
      await cid.queue(name);
      await ann.release(name);
      await eventually(() => heard.length === 1, 'the hand-over is heard');
      assert.equal(gaps, 0);
      stop();
    },
  },
];
