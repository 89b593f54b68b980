import assert from 'node:assert/strict';
import type { CommitOutcome, LockGuard } from '../../store/entry-operations.js';
import { LONG_MS } from './case-times.js';
import { commit, entryOf, exists, put, version, written } from './committer.js';
import { contenders } from './contender.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** A commit on the condition that locks are still the caller's. */
export const guardCases: readonly StoreConformanceCase[] = [
  {
    name: 'a commit under held locks succeeds',
    async run(harness) {
      const { ann } = contenders(harness);
      const [one = '', two = '', key = ''] = inOneSlot(harness, 3);
      await ann.hold([one, two]);
      assert.equal((await guarded(harness, key, [one, two])).kind, 'committed');
      assert.equal((await entryOf(harness.store, key))?.value, 'guarded');
    },
  },
  {
    name: 'a lock that is free, expired, of another token, blocked, or only waited for refuses the commit',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [free = '', expired = '', foreign = '', blocked = '', released = '', key = ''] = inOneSlot(harness, 6);
      await bob.hold(foreign);
      await ann.queue(foreign);
      await ann.hold(blocked);
      await ann.release(blocked, { minHoldMs: LONG_MS });
      await ann.hold(released);
      await ann.release(released);
      await ann.hold(expired);
      await ann.expire(expired, harness.elapse);
      for (const name of [free, expired, foreign, blocked, released]) {
        assert.deepEqual(await guarded(harness, key, [name]), { kind: 'lock-lost', name });
      }
      assert.equal(await entryOf(harness.store, key), undefined);
    },
  },
  {
    name: 'a paused holder’s commit is refused after its lock has been handed on',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [name = '', key = ''] = inOneSlot(harness, 2);
      await ann.hold(name);
      await bob.queue(name);
      await harness.store.forceReleaseLock(name);
      assert.equal((await guarded(harness, key, [name])).kind, 'lock-lost');
      assert.equal((await guarded(harness, key, [name], 'bob')).kind, 'committed');
    },
  },
  {
    name: 'the first lost lock is named, in the order of the guards',
    async run(harness) {
      const { ann } = contenders(harness);
      const [held = '', first = '', second = '', key = ''] = inOneSlot(harness, 4);
      await ann.hold(held);
      assert.deepEqual(await guarded(harness, key, [held, second, first]), { kind: 'lock-lost', name: second });
      assert.deepEqual(await guarded(harness, key, [first, held, second]), { kind: 'lock-lost', name: first });
    },
  },
  {
    name: 'guards may be of several tokens',
    async run(harness) {
      const { ann, bob } = contenders(harness);
      const [one = '', two = '', key = ''] = inOneSlot(harness, 3);
      await ann.hold(one);
      await bob.hold(two);
      const guards = [
        { name: one, token: 'ann' },
        { name: two, token: 'bob' },
      ];
      assert.equal((await commit(harness, [put(key, 'value')], { guards })).kind, 'committed');
      const crossed = [
        { name: one, token: 'bob' },
        { name: two, token: 'ann' },
      ];
      assert.deepEqual(await commit(harness, [put(key, 'value')], { guards: crossed }), {
        kind: 'lock-lost',
        name: one,
      });
    },
  },
  {
    name: 'a lost lock is told before a conflict',
    async run(harness) {
      const [name = '', key = ''] = inOneSlot(harness, 2);
      await written(harness, put(key, 'old'));
      const guards: readonly LockGuard[] = [{ name, token: 'ann' }];
      const outcome = await commit(harness, [put(key, 'new', { expected: version(0) })], { guards });
      assert.deepEqual(outcome, { kind: 'lock-lost', name });
    },
  },
  {
    name: 'a conflict is told under held locks',
    async run(harness) {
      const { ann } = contenders(harness);
      const [name = '', key = ''] = inOneSlot(harness, 2);
      await ann.hold(name);
      const guards: readonly LockGuard[] = [{ name, token: 'ann' }];
      assert.deepEqual(await commit(harness, [put(key, 'new', { expected: exists })], { guards }), {
        kind: 'conflict',
        mismatches: [{ key, actual: 0 }],
      });
    },
  },
];

function guarded(harness: StoreHarness, key: string, names: readonly string[], token = 'ann'): Promise<CommitOutcome> {
  return commit(harness, [put(key, 'guarded')], { guards: names.map((name) => ({ name, token })) });
}
