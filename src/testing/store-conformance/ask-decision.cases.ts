import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { entryOf, put } from './committer.js';
import { inOneSlot } from './observations.js';
import { decide, intentOf, prepared, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Far after every deadline of a case. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** What somebody learns who meets the write of a transaction, and how long it can be learnt. */
export const askDecisionCases: readonly StoreConformanceCase[] = [
  {
    name: 'who asks in time learns that the transaction is pending, and changes nothing',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(key, 'value')]);
      const intent = await waitingAt(harness.second, key);
      for (const store of [harness.second, harness.store]) {
        const decision = await store.askDecision(intent);
        assert(decision.kind === 'pending' && decision.nowMs < intent.deadlineMs);
      }
      assert.equal((await decide(harness.store, request)).kind, 'committed');
    },
  },
  {
    name: 'who asks after the deadline makes the transaction aborted for good',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(key, 'late')], { leftMs: BRIEF_MS });
      const intent = await waitingAt(harness.second, key);
      await harness.elapse(TICK_MS);
      for (const store of [harness.second, harness.store]) {
        assert.deepEqual(await store.askDecision(intent), { kind: 'aborted' });
      }
      assert.deepEqual(await decide(harness.store, request), { kind: 'aborted' });
      assert.deepEqual(await harness.store.prepare({ ...request, leftMs: LONG_MS }), { kind: 'aborted' });
      await settle(harness.store, request, 'aborted');
      assert.equal(await entryOf(harness.store, key), undefined);
    },
  },
  {
    name: 'the deadline of the intent in the deciding slot counts, not the one that was met elsewhere',
    async run(harness) {
      const [lasting = '', over = ''] = inOneSlot(harness, 2);
      const inTime = await prepared(harness, [put(lasting, 'value')]);
      const tooLate = await prepared(harness, [put(over, 'value')], { leftMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      assert.equal((await harness.second.askDecision(intentOf(inTime, 0))).kind, 'pending');
      assert.equal((await harness.second.askDecision(intentOf(tooLate, NEVER_MS))).kind, 'aborted');
      assert.equal((await decide(harness.store, inTime)).kind, 'committed');
    },
  },
  {
    name: 'where the deciding slot has no intent of the transaction the deadline that was met counts',
    async run(harness) {
      const [free = '', taken = ''] = inOneSlot(harness, 2);
      await prepared(harness, [put(taken, 'of somebody else')]);
      for (const key of [free, taken]) {
        const gone = preparing(harness, [put(key, 'value')]);
        assert.equal((await harness.second.askDecision(intentOf(gone, NEVER_MS))).kind, 'pending');
        assert.equal((await harness.second.askDecision(intentOf(gone, 1))).kind, 'aborted');
        assert.equal((await harness.second.askDecision(intentOf(gone, NEVER_MS))).kind, 'aborted');
        assert.deepEqual(await harness.store.prepare(gone), { kind: 'aborted' });
      }
    },
  },
  {
    name: 'a decision is known long after its slot has been settled, until it is retired',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(key, 'value')]);
      await decide(harness.store, request);
      for (const verdict of ['committed', 'aborted'] as const) {
        await settle(harness.second, request, verdict, { rememberMs: BRIEF_MS });
      }
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.second.askDecision(intentOf(request)), { kind: 'committed' });
      assert.equal((await entryOf(harness.store, key))?.value, 'value');
    },
  },
  {
    name: 'a decision that is retired is known as long as told, and then forgotten',
    async run(harness) {
      const [kept = '', forgotten = ''] = inOneSlot(harness, 2);
      const [one, other] = [await prepared(harness, [put(kept, '')]), await prepared(harness, [put(forgotten, '')])];
      for (const request of [one, other]) await decide(harness.store, request);
      await harness.store.retireDecision(one, LONG_MS);
      await harness.second.retireDecision(other, BRIEF_MS);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.second.askDecision(intentOf(one)), { kind: 'committed' });
      assert.deepEqual(await harness.store.askDecision(intentOf(other)), { kind: 'aborted' });
    },
  },
  {
    name: 'retiring what was never decided changes nothing',
    async run(harness) {
      const [key = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(key, 'value')]);
      await harness.store.retireDecision(request, BRIEF_MS);
      assert.equal((await harness.store.askDecision(intentOf(request))).kind, 'pending');
      assert.equal((await decide(harness.store, request)).kind, 'committed');
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.store.askDecision(intentOf(request)), { kind: 'committed' });
    },
  },
];
