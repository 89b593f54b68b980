import assert from 'node:assert/strict';
import type { CommitOperation } from '../../store/entry-operations.js';
import type { WriteOperation } from '../../store/intent-operations.js';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { bump, check, commit, entryOf, exists, put, remove, version, written } from './committer.js';
import { assertRefused, fill, filledVersion, lease, leased } from './filler.js';
import { inOneSlot } from './observations.js';
import { decide, prepared, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** Long enough for a case to write before its lease ends, short enough to wait for. */
const SOON_MS = 100;

/** Everything that changes a key. */
const WRITES: readonly ((key: string) => WriteOperation)[] = [
  (key) => put(key, 'written'),
  bump,
  (key) => bump(key, { strategy: 'counter' }),
  remove,
];

/** What ends the leave to fill a key, what does not, and that a lease that nobody uses leaves nothing. */
export const leaseEndCases: readonly StoreConformanceCase[] = [
  {
    name: 'every commit that writes a key ends its lease, with a value in it or without',
    async run(harness) {
      for (const key of await bothKinds(harness)) {
        for (const operation of WRITES) {
          await cleared(harness, key);
          await leased(harness.store, key, 'ann');
          await written(harness, operation(key));
          const before = await entryOf(harness.store, key);
          await assertRefused(harness.store, key, 'ann');
          assert.deepEqual(await entryOf(harness.store, key), before);
        }
      }
    },
  },
  {
    name: 'every prepare of a key ends its lease, whatever becomes of the transaction',
    async run(harness) {
      for (const key of await bothKinds(harness)) {
        for (const operation of WRITES) {
          for (const verdict of ['committed', 'aborted', 'published', 'void'] as const) {
            await cleared(harness, key);
            await leased(harness.store, key, 'ann');
            const request = await prepared(harness, [operation(key)]);
            await assertRefused(harness.store, key, 'ann');
            await settle(harness.second, request, verdict);
            await assertRefused(harness.store, key, 'ann');
          }
        }
      }
    },
  },
  {
    name: 'a decision that makes a write visible leaves no lease',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      await leased(harness.store, key, 'ann');
      const request = await prepared(harness, [bump(key)]);
      assert.equal((await decide(harness.store, request)).kind, 'committed');
      await assertRefused(harness.store, key, 'ann');
      await leased(harness.second, key, 'bob');
    },
  },
  {
    name: 'what only compares a key, or is refused, leaves its lease alone',
    async run(harness) {
      const [key = '', other = ''] = inOneSlot(harness, 2);
      await leased(harness.store, key, 'ann');
      await written(harness, check(key, version(0)));
      assert.equal((await commit(harness, [put(key, 'new', { expected: exists })])).kind, 'conflict');
      const refused = preparing(harness, [put(key, 'new'), put(other, 'new', { expected: version(7) })]);
      assert.equal((await harness.store.prepare(refused)).kind, 'conflict');
      await filledVersion(harness.store, key, 'ann');
    },
  },
  {
    name: 'a prepared write is shown to who asks with what is beside it, and nothing can be filled there',
    async run(harness) {
      const [old = '', bare = '', absent = ''] = inOneSlot(harness, 3);
      const at = [await written(harness, put(old, 'old')), await written(harness, bump(bare)), 0];
      const keys = [old, bare, absent];
      await prepared(
        harness,
        keys.map((key) => put(key, 'prepared')),
      );
      for (const [i, key] of keys.entries()) {
        const intent = await waitingAt(harness.store, key);
        const beside = { value: key === old ? 'old' : undefined, version: at[i] };
        assert.deepEqual(await lease(harness.second, key, 'ann'), { kind: 'intent', intent, beside });
        await assertRefused(harness.second, key, 'ann');
        assert.deepEqual(await entryOf(harness.store, key), { ...beside, intent });
      }
    },
  },
  {
    name: 'whoever settles with the versions of the owner ends the lease of a key that has lost its write',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const lost = preparing(harness, [put(key, 'lost')]);
      await leased(harness.store, key, 'ann');
      await settle(harness.store, lost, 'committed', { versions: [Number.MAX_SAFE_INTEGER] });
      await assertRefused(harness.store, key, 'ann');
    },
  },
  {
    name: 'a lease is no entry: nobody reads it, and whoever expects none is right',
    async run(harness) {
      const [written1 = '', prepared1 = ''] = inOneSlot(harness, 2);
      for (const key of [written1, prepared1]) {
        await leased(harness.store, key, 'ann');
        assert.equal(await entryOf(harness.second, key), undefined);
      }
      const operations: readonly CommitOperation[] = [put(written1, 'first', { expected: version(0) })];
      assert.equal((await commit(harness, operations)).kind, 'committed');
      const request = preparing(harness, [put(prepared1, 'first', { expected: version(0) })]);
      assert.equal((await harness.store.prepare(request)).kind, 'prepared');
    },
  },
  {
    name: 'a lease that nobody used leaves no trace, and no end to what comes after it',
    async run(harness) {
      const [committed1 = '', settled = '', back = '', filled = ''] = inOneSlot(harness, 4);
      for (const key of [committed1, settled, back, filled]) await lease(harness.store, key, 'ann', SOON_MS);
      await written(harness, put(committed1, 'kept'));
      await settle(harness.store, await prepared(harness, [put(settled, 'kept')]), 'committed');
      await settle(harness.store, await prepared(harness, [put(back, 'never')]), 'aborted');
      const { kind } = await fill(harness.store, filled, 'ann', { value: 'kept' });
      await harness.elapse(SOON_MS + TICK_MS);
      const entries = await harness.store.readEntries([committed1, settled, back, filled]);
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        ['kept', 'kept', undefined, kind === 'filled' ? 'kept' : undefined],
      );
    },
  },
  {
    name: 'a lease changes neither version nor end of an entry that has only a version',
    async run(harness) {
      const [lasting, ending] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      const at = await written(harness, bump(lasting));
      await written(harness, bump(ending, { ttlMs: BRIEF_MS }));
      for (const key of [lasting, ending]) await lease(harness.store, key, 'ann', 2 * BRIEF_MS);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.store.readEntries([lasting, ending]), [
        { value: undefined, version: at },
        undefined,
      ]);
    },
  },
];

/** A key without an entry, and one that has only a version. */
async function bothKinds(harness: StoreHarness): Promise<readonly [string, string]> {
  const [absent = '', bare = ''] = inOneSlot(harness, 2);
  await written(harness, bump(bare));
  return [absent, bare];
}

/** Takes away a value that stands in the way of the next lease; an entry that has only a version stays. */
async function cleared(harness: StoreHarness, key: string): Promise<void> {
  if ((await entryOf(harness.store, key))?.value !== undefined) await written(harness, remove(key));
}
