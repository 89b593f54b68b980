import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { check, committed, entryOf, put, remove, requestOf, version, written } from './committer.js';
import { inOneSlot } from './observations.js';
import {
  assertNothingWaits,
  decide,
  intentOf,
  prepared,
  preparedVersions,
  preparing,
  settle,
  waitingAt,
} from './preparer.js';
import type { StoreConformanceCase } from './store-harness.js';

/** The commit point of a transaction over several slots. */
export const decideCases: readonly StoreConformanceCase[] = [
  {
    name: 'a decision makes the writes of its slot visible and answers the versions of writes and checks',
    async run(harness) {
      const [one = '', two = '', read = '', absent = ''] = inOneSlot(harness, 4);
      const [, atTwo = 0, atRead = 0] = await committed(harness, [put(one, 'old'), put(two, 'old'), put(read, 'read')]);
      const request = preparing(harness, [put(one, 'new'), remove(two, version(atTwo))]);
      const versions = await preparedVersions(harness.store, request);
      const checks = [check(read, version(atRead)), check(absent, version(0))];
      assert.deepEqual(await decide(harness.store, request, checks), {
        kind: 'committed',
        versions: [...versions, atRead, 0],
      });
      assert.deepEqual(await harness.second.readEntries([one, two, read]), [
        { value: 'new', version: versions[0] },
        undefined,
        { value: 'read', version: atRead },
      ]);
    },
  },
  {
    name: 'a second decision answers what the first one did and changes nothing',
    async run(harness) {
      const [key = '', read = ''] = inOneSlot(harness, 2);
      const request = await prepared(harness, [put(key, 'first')]);
      const checks = [check(read, version(0))];
      const first = await decide(harness.store, request, checks);
      assert.equal(first.kind, 'committed');
      const [later] = await committed(harness, [put(key, 'later'), put(read, 'later')]);
      for (const store of [harness.second, harness.store]) {
        assert.deepEqual(await decide(store, request, checks), first);
      }
      assert.deepEqual(await entryOf(harness.store, key), { value: 'later', version: later });
    },
  },
  {
    name: 'a decision that comes after the deadline is refused for good',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const old = await written(harness, put(key, 'old'));
      const request = await prepared(harness, [put(key, 'late')], { leftMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      for (const store of [harness.store, harness.second]) {
        assert.deepEqual(await decide(store, request), { kind: 'aborted' });
      }
      assert.deepEqual(await harness.store.askDecision(intentOf(request)), { kind: 'aborted' });
      await settle(harness.second, request, 'aborted');
      assert.deepEqual(await entryOf(harness.store, key), { value: 'old', version: old });
    },
  },
  {
    name: 'a decision without all of its intents is refused for good',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const whole = preparing(harness, [put(one, 'value'), put(two, 'value')]);
      await preparedVersions(harness.store, { ...whole, operations: whole.operations.slice(0, 1) });
      assert.deepEqual(await decide(harness.store, whole), { kind: 'aborted' });
      assert.deepEqual(await harness.second.prepare(whole), { kind: 'aborted' });
      assert.deepEqual(await decide(harness.second, whole), { kind: 'aborted' });
      await settle(harness.store, whole, 'aborted');
      assert.deepEqual(await harness.store.readEntries([one, two]), [undefined, undefined]);
    },
  },
  {
    name: 'the intent of somebody else is no intent of the decision',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      await prepared(harness, [put(key, 'theirs')]);
      const intent = await waitingAt(harness.store, key);
      assert.deepEqual(await decide(harness.store, preparing(harness, [put(key, 'mine')])), { kind: 'aborted' });
      assert.deepEqual(await entryOf(harness.store, key), { value: undefined, version: 0, intent });
    },
  },
  {
    name: 'a decision compares what was only read, names every mismatch and decides nothing',
    async run(harness) {
      const [key = '', right = '', wrong = '', absent = ''] = inOneSlot(harness, 4);
      const [atRight = 0, atWrong = 0] = await committed(harness, [put(right, 'value'), put(wrong, 'value')]);
      const request = await prepared(harness, [put(key, 'value')]);
      const before = await entryOf(harness.store, key);
      const checks = [check(wrong, version(atWrong - 1)), check(right, version(atRight)), check(absent, version(7))];
      assert.deepEqual(await decide(harness.store, request, checks), {
        kind: 'conflict',
        mismatches: [
          { key: wrong, actual: atWrong },
          { key: absent, actual: 0 },
        ],
      });
      assert.deepEqual(await entryOf(harness.store, key), before);
      assert.equal((await harness.second.askDecision(intentOf(request))).kind, 'pending');
      const met = [check(wrong, version(atWrong)), check(right, version(atRight))];
      assert.equal((await decide(harness.store, request, met)).kind, 'committed');
    },
  },
  {
    name: 'a decision that only read what somebody else is about to write shows the intent and decides nothing',
    async run(harness) {
      const [key = '', read = ''] = inOneSlot(harness, 2);
      const atRead = await written(harness, put(read, 'value'));
      const other = await prepared(harness, [put(read, 'theirs')]);
      const intent = await waitingAt(harness.store, read);
      const request = await prepared(harness, [put(key, 'mine')]);
      const checks = [check(read, version(atRead))];
      assert.deepEqual(await decide(harness.store, request, checks), { kind: 'intent', key: read, intent });
      assert.equal((await harness.second.askDecision(intentOf(request))).kind, 'pending');
      await settle(harness.second, other, 'aborted');
      assert.equal((await decide(harness.store, request, checks)).kind, 'committed');
    },
  },
  {
    name: 'a decision whose answer was lost resolves as committed with its versions, every time',
    async run(harness) {
      const [one = '', two = '', read = ''] = inOneSlot(harness, 3);
      const request = await prepared(harness, [put(one, 'value'), remove(two)]);
      const checks = [check(read, version(0))];
      const decided = await decide(harness.store, request, checks);
      assert.equal(decided.kind, 'committed');
      const question = requestOf(harness, [...request.operations, ...checks], { txnId: request.txnId });
      for (const store of [harness.second, harness.store]) {
        assert.deepEqual(await store.resolveCommit(question), decided);
      }
    },
  },
  {
    name: 'a decision that had not come resolves as aborted, and arriving late it is refused',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(key, 'late')]);
      const question = requestOf(harness, request.operations, { txnId: request.txnId });
      assert.deepEqual(await harness.second.resolveCommit(question), { kind: 'aborted' });
      assert.deepEqual(await decide(harness.store, request), { kind: 'aborted' });
      assert.deepEqual(await harness.store.askDecision(intentOf(request)), { kind: 'aborted' });
      await settle(harness.store, request, 'aborted');
      assert.equal(await entryOf(harness.store, key), undefined);
    },
  },
  {
    name: 'a decision that comes after its slot was settled as aborted is refused',
    async run(harness) {
      for (const rememberMs of [0, LONG_MS]) {
        const [key = ''] = inOneSlot(harness, 1);
        const request = await prepared(harness, [put(key, 'late')]);
        await settle(harness.second, request, 'aborted', { rememberMs });
        assert.deepEqual(await decide(harness.store, request), { kind: 'aborted' });
        assert.equal(await entryOf(harness.store, key), undefined);
      }
    },
  },
  {
    name: 'of a decision and whoever gives the transaction up the first one decides, for both',
    async run(harness) {
      for (let round = 0; round < 10; round += 1) {
        const [key = ''] = inOneSlot(harness, 1);
        const request = await prepared(harness, [put(key, 'value')]);
        const question = requestOf(harness, request.operations, { txnId: request.txnId });
        const calls = [() => decide(harness.store, request), () => harness.second.resolveCommit(question)];
        const [one, other] = await Promise.all((round % 2 === 0 ? calls : calls.reverse()).map((call) => call()));
        assert.deepEqual(one, other);
        await settle(harness.store, request, one?.kind === 'committed' ? 'committed' : 'aborted');
        assert.equal((await entryOf(harness.store, key))?.value, one?.kind === 'committed' ? 'value' : undefined);
        await assertNothingWaits(harness.store, [key]);
      }
    },
  },
];
