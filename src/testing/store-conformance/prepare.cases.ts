import assert from 'node:assert/strict';
import type { WriteOperation } from '../../store/intent-operations.js';
import { LONG_MS, TICK_MS, TICK_SEEN_MS } from './case-times.js';
import { bump, committed, entryOf, exists, put, remove, version, written } from './committer.js';
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

/** Writes that wait for the decision of their transaction: all of a slot, or none. */
export const prepareCases: readonly StoreConformanceCase[] = [
  {
    name: 'a prepared write is not seen: the committed value is read, and beside it the intent',
    async run(harness) {
      const [present = '', absent = '', free = ''] = inOneSlot(harness, 3);
      const number = await written(harness, put(present, 'committed'));
      const request = await prepared(harness, [put(present, 'prepared'), put(absent, 'prepared')]);
      for (const store of [harness.store, harness.second]) {
        const [one, other, none] = await store.readEntries([present, absent, free]);
        const intent = one?.intent;
        assert(intent !== undefined && Number.isSafeInteger(intent.deadlineMs));
        const { deadlineMs } = intent;
        const { txnId, decider } = request;
        assert.deepEqual(intent, { txnId, decider, anchor: present, deadlineMs, expiresAtMs: 0 });
        assert.deepEqual(one, { value: 'committed', version: number, intent });
        assert.deepEqual(other, { value: undefined, version: 0, intent });
        assert.equal(none, undefined);
      }
    },
  },
  {
    name: 'prepare answers the version that every key will have, or lose, in order',
    async run(harness) {
      const [replaced = '', bumped = '', deleted = '', made = ''] = inOneSlot(harness, 4);
      const old = await committed(harness, [put(replaced, 'old'), put(bumped, 'kept'), put(deleted, 'old')]);
      const request = preparing(harness, [
        remove(deleted),
        put(replaced, 'new', { strategy: 'counter' }),
        bump(bumped),
        bump(made),
      ]);
      const versions = await preparedVersions(harness.store, request);
      assert((versions[0] ?? 0) > (old[2] ?? 0), 'a deletion counts as a version');
      assert.equal(versions[1], (old[0] ?? 0) + 1);
      assert((versions[2] ?? 0) > (old[1] ?? 0) && (versions[3] ?? 0) > 0);
      await decide(harness.store, request);
      assert.deepEqual(await harness.store.readEntries([deleted, replaced, bumped, made]), [
        undefined,
        { value: 'new', version: versions[1] },
        { value: 'kept', version: versions[2] },
        { value: undefined, version: versions[3] },
      ]);
    },
  },
  {
    name: 'a prepare whose expectations do not hold names every mismatch and prepares nothing',
    async run(harness) {
      const [free = '', wrong = '', absent = '', right = ''] = inOneSlot(harness, 4);
      const [atWrong = 0, atRight = 0] = await committed(harness, [put(wrong, 'old'), put(right, 'old')]);
      const request = preparing(harness, [
        put(free, 'new'),
        bump(wrong, { expected: version(atWrong + 1) }),
        remove(absent, exists),
        put(right, 'new', { expected: version(atRight) }),
      ]);
      assert.deepEqual(await harness.store.prepare(request), {
        kind: 'conflict',
        mismatches: [
          { key: wrong, actual: atWrong },
          { key: absent, actual: 0 },
        ],
      });
      await assertNothingWaits(harness.second, [free, wrong, absent, right]);
    },
  },
  {
    name: 'every kind of write accepts the version it expects',
    async run(harness) {
      const [put1 = '', bumped = '', deleted = '', made = ''] = inOneSlot(harness, 4);
      const [one = 0, two = 0, three = 0] = await committed(harness, [
        put(put1, ''),
        put(bumped, ''),
        put(deleted, ''),
      ]);
      const request = await prepared(harness, [
        put(put1, 'new', { expected: version(one) }),
        bump(bumped, { expected: version(two) }),
        remove(deleted, version(three)),
        put(made, 'new', { expected: version(0) }),
      ]);
      assert.equal((await decide(harness.store, request)).kind, 'committed');
    },
  },
  {
    name: 'a second prepare answers what the first one did, and gives no more time',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const old = await written(harness, put(one, 'old'));
      const request = preparing(harness, [put(one, 'new', { expected: version(old) }), bump(two)]);
      const first = await harness.store.prepare(request);
      const before = await harness.store.readEntries([one, two]);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.second.prepare({ ...request, leftMs: 2 * LONG_MS }), first);
      assert.deepEqual(await harness.store.readEntries([one, two]), before);
    },
  },
  {
    name: 'the time of a prepared write counts from its arrival, on the clock that answers questions about it',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const request = await prepared(harness, [put(one, 'value')]);
      await harness.elapse(TICK_MS);
      await prepared(harness, [put(two, 'value')]);
      const { deadlineMs } = await waitingAt(harness.store, one);
      const { deadlineMs: later } = await waitingAt(harness.store, two);
      assert(later - deadlineMs >= TICK_SEEN_MS);
      const decision = await harness.second.askDecision(intentOf(request));
      assert(decision.kind === 'pending');
      const leftMs = deadlineMs - decision.nowMs;
      assert(leftMs > LONG_MS / 2 && leftMs <= LONG_MS - TICK_SEEN_MS, `${leftMs} ms of ${LONG_MS} ms are left`);
    },
  },
  {
    name: 'of many transactions that prepare one key one succeeds, and the others are shown its intent',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const requests = Array.from({ length: 20 }, (_, i) => preparing(harness, [put(key, String(i))]));
      const outcomes = await Promise.all(
        requests.map((request, i) => (i % 2 === 0 ? harness.store : harness.second).prepare(request)),
      );
      const intent = await waitingAt(harness.store, key);
      outcomes.forEach((outcome, i) => {
        if (requests[i]?.txnId === intent.txnId) assert.equal(outcome.kind, 'prepared');
        else assert.deepEqual(outcome, { kind: 'intent', key, intent });
      });
    },
  },
  {
    name: 'a key and a value of any characters can wait, and decide',
    async run(harness) {
      for (const end of [' ', ' 1 2 3 ', '\n', '"{}', 'ü漢😀']) {
        const [tagged = ''] = inOneSlot(harness, 1);
        const key = end.includes('{') ? tagged : tagged + end;
        const request = await prepared(harness, [put(key, `${end}\0\r\n`)]);
        const { decider, anchor } = await waitingAt(harness.second, key);
        assert.deepEqual([decider, anchor], [key, key]);
        assert.equal((await decide(harness.store, request)).kind, 'committed');
        assert.equal((await entryOf(harness.store, key))?.value, `${end}\0\r\n`);
      }
    },
  },
  {
    name: '128 writes of one slot wait together',
    async run(harness) {
      const keys = inOneSlot(harness, 128);
      const request = preparing(
        harness,
        keys.map((key, index): WriteOperation => put(key, `value ${index}`)),
      );
      const versions = await preparedVersions(harness.store, request);
      await settle(harness.store, request, 'committed');
      assert.deepEqual(
        await harness.store.readEntries(keys),
        keys.map((_, index) => ({ value: `value ${index}`, version: versions[index] })),
      );
    },
  },
];
