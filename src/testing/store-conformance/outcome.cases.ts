import assert from 'node:assert/strict';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { bump, check, entryOf, put, remove, requestOf, version, written } from './committer.js';
import { contenders } from './contender.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** One transaction has one outcome, however often it is sent and whoever asks. */
export const outcomeCases: readonly StoreConformanceCase[] = [
  {
    name: 'a commit sent twice is applied once and answers the same',
    async run(harness) {
      const [one = '', two = '', three = '', four = ''] = inOneSlot(harness, 4);
      const checked = await written(harness, put(three, 'value'));
      const request = requestOf(harness, [
        put(one, 'first', { expected: version(0) }),
        bump(two, { strategy: 'counter' }),
        check(three, version(checked)),
        remove(four),
      ]);
      const outcome = await harness.store.commit(request);
      assert(outcome.kind === 'committed');
      assert.deepEqual(await harness.store.commit(request), outcome);
      assert.deepEqual(await harness.second.commit(request), outcome);
      assert.equal((await entryOf(harness.store, two))?.version, outcome.versions[1]);
    },
  },
  {
    name: 'a commit that arrives a second time leaves later writes alone',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const request = requestOf(harness, [put(key, 'first')]);
      const outcome = await harness.store.commit(request);
      const later = await written(harness, put(key, 'later'));
      assert.deepEqual(await harness.store.commit(request), outcome);
      assert.deepEqual(await entryOf(harness.store, key), { value: 'later', version: later });
    },
  },
  {
    name: 'the outcome answers before guards and versions are looked at',
    async run(harness) {
      const { ann } = contenders(harness);
      const [name = '', key = ''] = inOneSlot(harness, 2);
      await ann.hold(name);
      const request = requestOf(harness, [put(key, 'value', { expected: version(0) })], {
        guards: [{ name, token: ann.token }],
      });
      const outcome = await harness.store.commit(request);
      assert.equal(outcome.kind, 'committed');
      await ann.release(name);
      assert.deepEqual(await harness.store.commit(request), outcome);
    },
  },
  {
    name: 'without an outcome TTL nothing is remembered',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const request = requestOf(harness, [put(key, 'value')], { outcomeTtlMs: 0 });
      const first = await harness.store.commit(request);
      const second = await harness.store.commit(request);
      assert(first.kind === 'committed' && second.kind === 'committed');
      assert((second.versions[0] ?? 0) > (first.versions[0] ?? 0));
      assert.deepEqual(await harness.store.resolveCommit(request), { kind: 'aborted' });
    },
  },
  {
    name: 'an outcome is forgotten after its TTL',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const request = requestOf(harness, [put(key, 'value')], { outcomeTtlMs: BRIEF_MS });
      const first = await harness.store.commit(request);
      await harness.elapse(TICK_MS);
      const second = await harness.store.commit(request);
      assert(first.kind === 'committed' && second.kind === 'committed');
      assert((second.versions[0] ?? 0) > (first.versions[0] ?? 0));
    },
  },
  {
    name: 'a refused commit is not remembered: the same transaction may succeed later',
    async run(harness) {
      const { ann } = contenders(harness);
      const [name = '', key = ''] = inOneSlot(harness, 2);
      const old = await written(harness, put(key, 'old'));
      const request = requestOf(harness, [put(key, 'new', { expected: version(0) })], {
        guards: [{ name, token: ann.token }],
      });
      assert.deepEqual(await harness.store.commit(request), { kind: 'lock-lost', name });
      await ann.hold(name);
      for (let call = 0; call < 2; call += 1) {
        assert.deepEqual(await harness.store.commit(request), { kind: 'conflict', mismatches: [{ key, actual: old }] });
      }
      await written(harness, remove(key));
      assert.equal((await harness.store.commit(request)).kind, 'committed');
    },
  },
  {
    name: 'a commit that happened resolves as committed with its versions, in every process and every time',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const request = requestOf(harness, [put(one, 'value'), remove(two)]);
      const outcome = await harness.store.commit(request);
      assert.equal(outcome.kind, 'committed');
      for (const store of [harness.second, harness.store, harness.second]) {
        assert.deepEqual(await store.resolveCommit(request), outcome);
      }
      assert.equal((await entryOf(harness.store, one))?.value, 'value');
    },
  },
  {
    name: 'a commit that did not happen resolves as aborted, and arriving late it is refused',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const request = requestOf(harness, [put(one, 'late'), put(two, 'late')]);
      assert.deepEqual(await harness.second.resolveCommit(request), { kind: 'aborted' });
      for (let call = 0; call < 2; call += 1) {
        assert.deepEqual(await harness.store.commit(request), { kind: 'aborted' });
        assert.deepEqual(await harness.store.resolveCommit(request), { kind: 'aborted' });
      }
      assert.deepEqual(await harness.store.readEntries([one, two]), [undefined, undefined]);
    },
  },
  {
    name: 'an abort outlasts the outcome TTL of its commit',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const request = requestOf(harness, [put(key, 'late')], { outcomeTtlMs: BRIEF_MS });
      await harness.store.resolveCommit(request);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.store.commit(request), { kind: 'aborted' });
    },
  },
  {
    name: 'an abort is told before a lost lock and before a conflict',
    async run(harness) {
      const [name = '', key = ''] = inOneSlot(harness, 2);
      const request = requestOf(harness, [put(key, 'late', { expected: version(7) })], {
        guards: [{ name, token: 'nobody' }],
      });
      assert.equal((await harness.store.commit(request)).kind, 'lock-lost');
      await harness.store.resolveCommit(request);
      assert.deepEqual(await harness.store.commit(request), { kind: 'aborted' });
    },
  },
  {
    name: 'a refused commit resolves as aborted',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const request = requestOf(harness, [put(key, 'value', { expected: version(7) })]);
      assert.equal((await harness.store.commit(request)).kind, 'conflict');
      assert.deepEqual(await harness.store.resolveCommit(request), { kind: 'aborted' });
    },
  },
  {
    name: 'resolving one transaction leaves the others of its keys alone',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const aborted = requestOf(harness, [put(key, 'aborted')]);
      const other = requestOf(harness, [put(key, 'other')]);
      await harness.store.resolveCommit(aborted);
      assert.equal((await harness.store.commit(other)).kind, 'committed');
      assert.deepEqual(await harness.store.resolveCommit(aborted), { kind: 'aborted' });
      assert.equal((await harness.store.resolveCommit(other)).kind, 'committed');
    },
  },
];
