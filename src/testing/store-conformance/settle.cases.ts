import assert from 'node:assert/strict';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { bump, committed, entryOf, put, remove, written } from './committer.js';
import { inOneSlot } from './observations.js';
import { prepared, preparedVersions, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase } from './store-harness.js';

/** What becomes of prepared writes once their transaction is decided. */
export const settleCases: readonly StoreConformanceCase[] = [
  {
    name: 'a committed settlement makes puts, bumps and deletions visible with the versions that were prepared',
    async run(harness) {
      const [replaced = '', made = '', bumped = '', begun = '', deleted = '', absent = ''] = inOneSlot(harness, 6);
      const keys = [replaced, made, bumped, begun, deleted, absent];
      await committed(harness, [put(replaced, 'old'), put(bumped, 'kept'), put(deleted, 'old')]);
      const request = preparing(harness, [
        put(replaced, 'new'),
        put(made, 'new'),
        bump(bumped),
        bump(begun),
        remove(deleted),
        remove(absent),
      ]);
      const versions = await preparedVersions(harness.store, request);
      for (let call = 0; call < 2; call += 1) {
        await settle(harness.second, request, 'committed');
        assert.deepEqual(await harness.store.readEntries(keys), [
          { value: 'new', version: versions[0] },
          { value: 'new', version: versions[1] },
          { value: 'kept', version: versions[2] },
          { value: undefined, version: versions[3] },
          undefined,
          undefined,
        ]);
      }
      assert((await written(harness, put(replaced, 'newer'))) > (versions[0] ?? 0));
    },
  },
  {
    name: 'an aborted settlement leaves every key as it was before',
    async run(harness) {
      const [replaced = '', bumped = '', deleted = '', absent = '', begun = ''] = inOneSlot(harness, 5);
      const keys = [replaced, bumped, deleted, absent, begun];
      await committed(harness, [put(replaced, 'old'), bump(bumped), put(deleted, 'old')]);
      const before = await harness.store.readEntries(keys);
      const operations = [put(replaced, 'new'), bump(bumped), remove(deleted), put(absent, 'new'), bump(begun)];
      const request = await prepared(harness, operations);
      for (let call = 0; call < 2; call += 1) {
        await settle(harness.second, request, 'aborted');
        assert.deepEqual(await harness.store.readEntries(keys), before);
      }
      assert.equal((await harness.store.prepare(preparing(harness, operations))).kind, 'prepared');
    },
  },
  {
    name: 'a settlement takes out the intents of its own transaction and of the keys it names, no others',
    async run(harness) {
      const [named = '', unnamed = '', foreign = ''] = inOneSlot(harness, 3);
      const request = await prepared(harness, [put(named, 'mine'), put(unnamed, 'mine')]);
      await prepared(harness, [put(foreign, 'theirs')]);
      const theirs = await waitingAt(harness.store, foreign);
      await settle(harness.second, request, 'committed', { keys: [foreign, named] });
      assert.equal((await entryOf(harness.store, named))?.value, 'mine');
      assert.equal((await waitingAt(harness.store, unnamed)).txnId, request.txnId);
      assert.deepEqual(await entryOf(harness.store, foreign), { value: undefined, version: 0, intent: theirs });
      await settle(harness.second, request, 'aborted', { keys: [foreign, named, unnamed] });
      assert.equal((await entryOf(harness.store, named))?.value, 'mine');
      assert.equal(await entryOf(harness.store, unnamed), undefined);
      assert.deepEqual(await waitingAt(harness.store, foreign), theirs);
    },
  },
  {
    name: 'whoever settles with the versions of the owner deletes what is older than a write that got lost',
    async run(harness) {
      const [older = '', same = '', newer = '', absent = '', taken = ''] = inOneSlot(harness, 5);
      const keys = [older, same, newer, absent, taken];
      const at = await committed(harness, [put(older, 'o'), put(same, 's'), put(newer, 'n'), put(taken, 't')]);
      const [atOlder = 0, atSame = 0, atNewer = 0, atTaken = 0] = at;
      await prepared(harness, [put(taken, 'theirs')]);
      const intent = await waitingAt(harness.store, taken);
      const lost = preparing(harness, []).txnId;
      const versions = [atOlder + 1, atSame, atNewer - 1, atOlder, atTaken + 1];
      const asCommitted = { txnId: lost, verdict: 'committed', keys, anchor: older, rememberMs: 0 } as const;
      await harness.store.settle(asCommitted);
      await harness.store.settle({ ...asCommitted, verdict: 'aborted', versions });
      assert.equal((await entryOf(harness.store, older))?.version, atOlder);
      await harness.second.settle({ ...asCommitted, versions });
      assert.deepEqual(await harness.store.readEntries(keys), [
        undefined,
        { value: 's', version: atSame },
        { value: 'n', version: atNewer },
        undefined,
        { value: 't', version: atTaken, intent },
      ]);
    },
  },
  {
    name: 'whoever settles with the versions of the owner makes visible what is still there',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const request = preparing(harness, [put(one, 'value', { ttlMs: BRIEF_MS }), remove(two)]);
      const versions = await preparedVersions(harness.store, request);
      await settle(harness.store, { ...request, operations: request.operations.slice(0, 1) }, 'committed');
      await harness.elapse(TICK_MS);
      const number = await written(harness, put(one, 'later'));
      await settle(harness.store, request, 'committed', { versions });
      assert.deepEqual(await harness.store.readEntries([one, two]), [{ value: 'later', version: number }, undefined]);
    },
  },
];
