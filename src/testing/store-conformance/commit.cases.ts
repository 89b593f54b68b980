import assert from 'node:assert/strict';
import type { CommitOperation } from '../../store/entry-operations.js';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { bump, check, commit, committed, entryOf, exists, put, remove, version, written } from './committer.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** All operations or none, on the condition of versions. */
export const commitCases: readonly StoreConformanceCase[] = [
  {
    name: 'a commit answers the version of every key afterwards, in order',
    async run(harness) {
      const [written1 = '', bumped = '', checked = '', deleted = '', absent = ''] = inOneSlot(harness, 5);
      const [, , checkedVersion = 0] = await committed(harness, [
        put(written1, 'old'),
        put(bumped, 'kept'),
        put(checked, 'kept'),
        put(deleted, 'old'),
      ]);
      const versions = await committed(harness, [
        check(absent, version(0)),
        remove(deleted),
        put(written1, 'new'),
        check(checked, version(checkedVersion)),
        bump(bumped),
      ]);
      const entries = await harness.store.readEntries([absent, deleted, written1, checked, bumped]);
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        [undefined, undefined, 'new', 'kept', 'kept'],
      );
      assert.deepEqual(
        versions,
        entries.map((entry) => entry?.version ?? 0),
      );
      assert.equal(versions[3], checkedVersion);
    },
  },
  {
    name: 'a write that expects the present version succeeds, once',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const first = await written(harness, put(key, 'a', { expected: version(0) }));
      const second = await written(harness, put(key, 'b', { expected: version(first) }));
      assert.deepEqual(await commit(harness, [put(key, 'c', { expected: version(first) })]), {
        kind: 'conflict',
        mismatches: [{ key, actual: second }],
      });
      assert.deepEqual(await entryOf(harness.store, key), { value: 'b', version: second });
    },
  },
  {
    name: 'every kind of operation refuses another version than it expects',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const actual = await written(harness, put(key, 'value'));
      for (const wrong of [0, 1, actual - 1, actual + 1]) {
        const expected = version(wrong);
        const operations: readonly CommitOperation[] = [
          check(key, expected),
          put(key, 'new', { expected }),
          bump(key, { expected }),
          remove(key, expected),
        ];
        for (const operation of operations) {
          assert.deepEqual(await commit(harness, [operation]), { kind: 'conflict', mismatches: [{ key, actual }] });
        }
      }
      assert.deepEqual(await entryOf(harness.store, key), { value: 'value', version: actual });
    },
  },
  {
    name: 'every kind of operation accepts the version it expects',
    async run(harness) {
      const key = harness.uniqueName('entry');
      let present = await written(harness, put(key, 'value'));
      assert.equal(await written(harness, check(key, version(present))), present);
      present = await written(harness, bump(key, { expected: version(present) }));
      present = await written(harness, put(key, 'new', { expected: version(present) }));
      assert.equal(await written(harness, remove(key, version(present))), 0);
      assert.equal(await written(harness, remove(key, version(0))), 0);
      await written(harness, bump(key, { expected: version(0) }));
    },
  },
  {
    name: 'a conflict names every mismatch with its actual version, and nothing is applied',
    async run(harness) {
      const [right = '', wrong = '', absent = '', free = '', deleted = ''] = inOneSlot(harness, 5);
      const [atRight = 0, atWrong = 0, atDeleted = 0] = await committed(harness, [
        put(right, 'old'),
        put(wrong, 'old'),
        put(deleted, 'old'),
      ]);
      const outcome = await commit(harness, [
        put(free, 'new'),
        put(right, 'new', { expected: version(atRight) }),
        bump(wrong, { expected: version(atWrong + 1) }),
        remove(deleted),
        check(absent, version(7)),
      ]);
      assert.deepEqual(outcome, {
        kind: 'conflict',
        mismatches: [
          { key: wrong, actual: atWrong },
          { key: absent, actual: 0 },
        ],
      });
      assert.deepEqual(await harness.store.readEntries([free, right, wrong, deleted, absent]), [
        undefined,
        { value: 'old', version: atRight },
        { value: 'old', version: atWrong },
        { value: 'old', version: atDeleted },
        undefined,
      ]);
    },
  },
  {
    name: '‘exists’ accepts any version and refuses an absent entry',
    async run(harness) {
      const [present = '', absent = ''] = inOneSlot(harness, 2);
      await written(harness, put(present, 'value'));
      await committed(harness, [check(present, exists)]);
      await committed(harness, [put(present, 'new', { expected: exists })]);
      await committed(harness, [bump(present, { expected: exists })]);
      for (const operation of [
        check(absent, exists),
        put(absent, 'new', { expected: exists }),
        bump(absent, { expected: exists }),
        remove(absent, exists),
      ]) {
        assert.deepEqual(await commit(harness, [operation]), {
          kind: 'conflict',
          mismatches: [{ key: absent, actual: 0 }],
        });
      }
      await committed(harness, [remove(present, exists)]);
      assert.equal((await commit(harness, [check(present, exists)])).kind, 'conflict');
    },
  },
  {
    name: '‘exists’ accepts an entry that has a version and no value',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const number = await written(harness, bump(key));
      assert.equal(await written(harness, check(key, exists)), number);
      assert((await written(harness, put(key, 'value', { expected: version(number) }))) > number);
    },
  },
  {
    name: 'an expired or deleted entry has version 0',
    async run(harness) {
      const [expired = '', deleted = ''] = inOneSlot(harness, 2);
      const [atExpired = 0, atDeleted = 0] = await committed(harness, [
        put(expired, 'value', { ttlMs: BRIEF_MS }),
        put(deleted, 'value'),
      ]);
      await committed(harness, [remove(deleted)]);
      await harness.elapse(TICK_MS);
      assert.deepEqual(
        await commit(harness, [check(expired, version(atExpired)), check(deleted, version(atDeleted))]),
        {
          kind: 'conflict',
          mismatches: [
            { key: expired, actual: 0 },
            { key: deleted, actual: 0 },
          ],
        },
      );
      await committed(harness, [put(expired, 'new', { expected: version(0) }), check(deleted, version(0))]);
    },
  },
  {
    name: 'a put without value expectation gives a version-only entry its value',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const first = await written(harness, bump(key));
      const second = await written(harness, put(key, 'value'));
      assert(second > first);
      assert.deepEqual(await entryOf(harness.store, key), { value: 'value', version: second });
    },
  },
  {
    name: 'one commit writes 128 keys',
    async run(harness) {
      const keys = inOneSlot(harness, 128);
      const versions = await committed(
        harness,
        keys.map((key, index) => put(key, `value ${index}`)),
      );
      assert.deepEqual(
        await harness.store.readEntries(keys),
        keys.map((_, index) => ({ value: `value ${index}`, version: versions[index] })),
      );
    },
  },
  {
    name: 'of many commits that expect the same version one succeeds',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const first = await written(harness, put(key, '0'));
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? harness.store : harness.second).commit({
            txnId: harness.uniqueName('txn'),
            operations: [put(key, String(index), { expected: version(first) })],
            guards: [],
            outcomeTtlMs: 0,
          }),
        ),
      );
      assert.equal(outcomes.filter(({ kind }) => kind === 'committed').length, 1);
      assert.equal(outcomes.filter(({ kind }) => kind === 'conflict').length, 19);
    },
  },
];
