import assert from 'node:assert/strict';
import type { WriteOperation } from '../../store/intent-operations.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { bump, entryOf, put, remove, written } from './committer.js';
import { inOneSlot } from './observations.js';
import { intentOf, prepared, preparedVersions, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** Long enough for a prepare and a settlement to come before its end, short enough to wait for. */
const SOON_MS = 100;

/** An entry that ends while a write waits beside it, or after: the wait changes nothing about its end. */
export const intentExpiryCases: readonly StoreConformanceCase[] = [
  {
    name: 'a prepared write outlasts the entry beside it, whose end is known',
    async run(harness) {
      const { key, request } = await besideEnding(harness, (ending) => put(ending, 'new'));
      await harness.elapse(SOON_MS + TICK_MS);
      const found = await entryOf(harness.second, key);
      const decision = await harness.second.askDecision(intentOf(request));
      assert(found?.intent !== undefined && decision.kind === 'pending');
      const { expiresAtMs } = found.intent;
      assert(found.version === 0 || (expiresAtMs > 0 && expiresAtMs <= decision.nowMs), 'the end is known, and over');
    },
  },
  {
    name: 'an entry whose write is taken back ends when it would have ended',
    async run(harness) {
      const { key, request, version } = await besideEnding(harness, (ending) => put(ending, 'new'));
      await settle(harness.store, request, 'aborted');
      const found = await entryOf(harness.store, key);
      assert(found === undefined || found.version === version);
      await harness.elapse(SOON_MS + TICK_MS);
      assert.equal(await entryOf(harness.store, key), undefined);
    },
  },
  {
    name: 'an entry that ended while a write waited is gone when the write is taken back',
    async run(harness) {
      const { key, request } = await besideEnding(harness, remove);
      await harness.elapse(SOON_MS + TICK_MS);
      await settle(harness.store, request, 'aborted');
      assert.equal(await entryOf(harness.store, key), undefined);
    },
  },
  {
    name: 'an entry that is bumped keeps its end through the wait',
    async run(harness) {
      const { key, request } = await besideEnding(harness, (ending) => bump(ending, { ttlMs: LONG_MS }));
      await settle(harness.store, request, 'committed');
      assert.notEqual(await entryOf(harness.store, key), undefined);
      await harness.elapse(SOON_MS + TICK_MS);
      // A machine that took longer than the entry lives to prepare has made a new one.
      assert.notEqual((await entryOf(harness.store, key))?.value, 'old');
    },
  },
  {
    name: 'a bump of an entry that ended while it waited makes a new one, without the old value',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await written(harness, put(key, 'old', { ttlMs: SOON_MS }));
      const request = preparing(harness, [bump(key)]);
      const [number] = await preparedVersions(harness.store, request);
      await harness.elapse(SOON_MS + TICK_MS);
      await settle(harness.store, request, 'committed');
      assert.deepEqual(await entryOf(harness.store, key), { value: undefined, version: number });
    },
  },
  {
    name: 'a put that is settled sets the TTL of the entry, counted from then, or takes it away',
    async run(harness) {
      const ended = await besideEnding(harness, (ending) => put(ending, 'new'));
      const [brief = ''] = inOneSlot(harness, 1);
      const request = await prepared(harness, [put(brief, 'brief', { ttlMs: BRIEF_MS })]);
      await harness.elapse(SOON_MS + TICK_MS);
      assert.equal((await waitingAt(harness.store, brief)).txnId, request.txnId);
      for (const each of [ended.request, request]) await settle(harness.store, each, 'committed');
      await harness.elapse(TICK_MS);
      assert.equal((await entryOf(harness.store, ended.key))?.value, 'new');
      assert.equal(await entryOf(harness.store, brief), undefined);
    },
  },
];

/** A write that waits beside an entry with {@link SOON_MS} to live. */
async function besideEnding(harness: StoreHarness, operation: (key: string) => WriteOperation) {
  const key = harness.uniqueName('entry');
  const version = await written(harness, put(key, 'old', { ttlMs: SOON_MS }));
  return { key, version, request: await prepared(harness, [operation(key)]) };
}
