import assert from 'node:assert/strict';
import type { CommitOperation } from '../../store/entry-operations.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { bump, check, commit, committed, entryOf, put, remove, version, written } from './committer.js';
import { contenders } from './contender.js';
import { assertWholeLease, heldLock, inOneSlot } from './observations.js';
import { assertNothingWaits, prepared, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** What a prepare refuses for, what it does to locks, and what others may do while it waits. */
export const besideIntentCases: readonly StoreConformanceCase[] = [
  {
    name: 'a prepare that meets an intent of somebody else names it and prepares nothing',
    async run(harness) {
      const [free = '', taken = ''] = inOneSlot(harness, 2);
      const decider = harness.uniqueName('elsewhere');
      await prepared(harness, [put(taken, 'first')], { decider });
      const intent = await waitingAt(harness.store, taken);
      assert.equal(intent.decider, decider);
      for (const operation of [put(taken, 'second'), bump(taken), remove(taken, version(7))]) {
        const outcome = await harness.second.prepare(preparing(harness, [put(free, 'second'), operation]));
        assert.deepEqual(outcome, { kind: 'intent', key: taken, intent });
      }
      assert.equal(await entryOf(harness.store, free), undefined);
    },
  },
  {
    name: 'a commit that meets an intent names it and changes nothing, whatever it does with the key',
    async run(harness) {
      const [free = '', taken = ''] = inOneSlot(harness, 2);
      const old = await written(harness, put(taken, 'old'));
      await prepared(harness, [put(taken, 'prepared')]);
      const intent = await waitingAt(harness.store, taken);
      const operations: readonly CommitOperation[] = [
        check(taken, version(old)),
        put(taken, 'new'),
        bump(taken),
        remove(taken),
      ];
      for (const operation of operations) {
        assert.deepEqual(await commit(harness, [put(free, 'new'), operation]), { kind: 'intent', key: taken, intent });
      }
      assert.deepEqual(await harness.store.readEntries([free, taken]), [
        undefined,
        { value: 'old', version: old, intent },
      ]);
    },
  },
  {
    name: 'an intent leaves the other keys of its slot alone',
    async run(harness) {
      const [taken = '', free = ''] = inOneSlot(harness, 2);
      await prepared(harness, [put(taken, 'prepared')]);
      await committed(harness, [put(free, 'committed')]);
      assert.equal((await entryOf(harness.second, free))?.value, 'committed');
    },
  },
  {
    name: 'a prepare under a lock that is free, of another token or expired names it and prepares nothing',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [held = '', free = '', foreign = '', expired = '', key = ''] = inOneSlot(harness, 5);
      await ann.hold(held);
      await bob.hold(foreign);
      await ann.hold(expired);
      await ann.expire(expired, harness.elapse);
      for (const name of [free, foreign, expired]) {
        const guards = [held, name].map((each) => ({ name: each, token: ann.token }));
        const request = preparing(harness, [put(key, 'value', { expected: version(7) })], { guards });
        assert.deepEqual(await harness.store.prepare(request), { kind: 'lock-lost', name });
      }
      await assertNothingWaits(harness.store, [key]);
    },
  },
  {
    name: 'a prepared lock lasts as long as the prepare says, and is never shortened',
    async run(harness) {
      const { ann } = contenders(harness);
      const [name = '', key = ''] = inOneSlot(harness, 2);
      const fence = await ann.hold(name);
      const guards = [{ name, token: ann.token }];
      await prepared(harness, [put(key, 'value')], { guards, guardMs: 3 * LONG_MS });
      assertWholeLease((await heldLock(harness.second, name)).expiresInMs, 3 * LONG_MS);
      await prepared(harness, [], { guards, guardMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      const lock = await heldLock(harness.second, name);
      assertWholeLease(lock.expiresInMs, 3 * LONG_MS);
      assert.equal(lock.fence, fence);
    },
  },
  {
    name: 'a prepare that is refused extends no lock',
    async run(harness) {
      const { ann } = contenders(harness);
      const [name = '', other = '', key = ''] = inOneSlot(harness, 3);
      await ann.hold([name]);
      const guardMs = 3 * LONG_MS;
      const guards = [{ name, token: ann.token }];
      const operations = [put(key, 'value', { expected: version(7) })];
      assert.equal((await harness.store.prepare(preparing(harness, operations, { guards, guardMs }))).kind, 'conflict');
      const lost = [...guards, { name: other, token: ann.token }];
      assert.equal((await harness.store.prepare(preparing(harness, [], { guards: lost, guardMs }))).kind, 'lock-lost');
      assertWholeLease((await heldLock(harness.store, name)).expiresInMs);
    },
  },
  {
    name: 'a prepare of locks alone keeps them and answers no versions',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = ''] = inOneSlot(harness, 2);
      await ann.hold(one);
      await bob.hold(two);
      const guards = [
        { name: one, token: ann.token },
        { name: two, token: bob.token },
      ];
      const request = preparing(harness, [], { guards, guardMs: 2 * LONG_MS });
      for (let call = 0; call < 2; call += 1) {
        assert.deepEqual(await harness.store.prepare(request), { kind: 'prepared', versions: [] });
      }
      for (const name of [one, two]) {
        assertWholeLease((await heldLock(harness.store, name)).expiresInMs, 2 * LONG_MS);
      }
      const crossed = guards.map(({ name }) => ({ name, token: ann.token }));
      assert.deepEqual(await harness.store.prepare(preparing(harness, [], { guards: crossed })), {
        kind: 'lock-lost',
        name: two,
      });
    },
  },
  {
    name: 'a prepare that comes after its transaction was settled is refused, as long as the settlement says',
    async run(harness) {
      for (const verdict of ['aborted', 'committed'] as const) {
        const [one = '', two = ''] = inOneSlot(harness, 2);
        const request = preparing(harness, [put(one, 'late'), put(two, 'late')]);
        await settle(harness.second, request, verdict, { rememberMs: LONG_MS });
        await harness.elapse(TICK_MS);
        for (let call = 0; call < 2; call += 1) {
          assert.deepEqual(await harness.store.prepare(request), { kind: 'aborted' });
        }
        assert.deepEqual(await harness.store.readEntries([one, two]), [undefined, undefined]);

        for (const rememberMs of [0, BRIEF_MS]) {
          const [key = ''] = inOneSlot(harness, 1);
          const forgotten = preparing(harness, [put(key, 'late')]);
          await settle(harness.second, forgotten, verdict, { rememberMs });
          await harness.elapse(TICK_MS);
          assert.equal((await harness.store.prepare(forgotten)).kind, 'prepared');
        }
      }
    },
  },
  {
    name: 'a slot remembers a transaction by the first of its keys there, whichever of them was settled',
    async run(harness) {
      const [one, two] = untaggedInOneSlot(harness);
      const request = await prepared(harness, [put(one, 'late'), put(two, 'late')]);
      const { anchor } = await waitingAt(harness.second, two);
      assert.equal(anchor, one);
      await settle(harness.second, request, 'aborted', { keys: [two], anchor, rememberMs: LONG_MS });
      assert.deepEqual(await harness.store.prepare(request), { kind: 'aborted' });
      assert.equal(await entryOf(harness.store, two), undefined);
    },
  },
  {
    name: 'a prepare that comes late is refused before anything else is looked at',
    async run(harness) {
      const [name = '', key = ''] = inOneSlot(harness, 2);
      const guards = [{ name, token: 'nobody' }];
      const request = preparing(harness, [put(key, 'late', { expected: version(7) })], { guards });
      assert.equal((await harness.store.prepare(request)).kind, 'lock-lost');
      await settle(harness.store, request, 'aborted', { rememberMs: LONG_MS });
      assert.deepEqual(await harness.store.prepare(request), { kind: 'aborted' });
    },
  },
];

/** Two keys without a hash tag that share a slot all the same. */
function untaggedInOneSlot({ store, uniqueName }: StoreHarness): readonly [string, string] {
  const bySlot = new Map<number, string>();
  for (;;) {
    const key = uniqueName('entry');
    const slot = store.slotOf('entry', key);
    const other = bySlot.get(slot);
    if (other !== undefined) return [other, key];
    bySlot.set(slot, key);
  }
}
