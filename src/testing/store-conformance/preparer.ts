import assert from 'node:assert/strict';
import type { Intent } from '../../store/intent.js';
import type {
  CheckOperation,
  DecideOutcome,
  PrepareRequest,
  SettleRequest,
  WriteOperation,
} from '../../store/intent-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';
import { entryOf } from './committer.js';
import type { StoreHarness } from './store-harness.js';

/** A share of a new transaction that its first key decides, with much time left. */
export function preparing(
  { uniqueName }: StoreHarness,
  operations: readonly WriteOperation[],
  changes: Partial<PrepareRequest> = {},
): PrepareRequest {
  const decider = operations[0]?.key ?? uniqueName('decider');
  return {
    txnId: uniqueName('txn'),
    decider,
    operations,
    guards: [],
    leftMs: LONG_MS,
    guardMs: LONG_MS,
    ...changes,
  };
}

/** Prepares, fails the case unless that succeeds, and answers the versions that the keys will have. */
export async function preparedVersions(store: CacheTxnStore, request: PrepareRequest): Promise<readonly number[]> {
  const outcome = await store.prepare(request);
  assert(outcome.kind === 'prepared', `the slot prepares, but the answer is ${outcome.kind}`);
  assert.equal(outcome.versions.length, request.operations.length);
  return outcome.versions;
}

/** Prepares a new transaction and answers what it sent. */
export async function prepared(
  harness: StoreHarness,
  operations: readonly WriteOperation[],
  changes: Partial<PrepareRequest> = {},
): Promise<PrepareRequest> {
  const request = preparing(harness, operations, changes);
  await preparedVersions(harness.store, request);
  return request;
}

/** Asks for the commit of what this slot has prepared. */
export function decide(
  store: CacheTxnStore,
  { txnId, operations }: PrepareRequest,
  checks: readonly CheckOperation[] = [],
): Promise<DecideOutcome> {
  return store.decide({ txnId, operations, checks });
}

/** Takes the intents out, as somebody who clears up does: without versions. Remembers nothing unless it says otherwise. */
export function settle(
  store: CacheTxnStore,
  { txnId, operations }: Pick<PrepareRequest, 'txnId' | 'operations'>,
  verdict: SettleRequest['verdict'],
  changes: Partial<SettleRequest> = {},
): Promise<void> {
  const keys = operations.map(({ key }) => key);
  return store.settle({ txnId, verdict, keys, anchor: keys[0] ?? '', rememberMs: 0, ...changes });
}

/** What somebody who met an intent of the transaction asks about; by default one whose time is over. */
export function intentOf(
  { txnId, decider }: PrepareRequest,
  deadlineMs = 1,
): Pick<Intent, 'txnId' | 'decider' | 'deadlineMs'> {
  return { txnId, decider, deadlineMs };
}

/** The write that waits beside the key; fails the case when there is none. */
export async function waitingAt(store: CacheTxnStore, key: string): Promise<Intent> {
  const intent = (await entryOf(store, key))?.intent;
  assert(intent !== undefined, `a write waits beside ${key}`);
  return intent;
}

/** States that no write waits beside any of the keys. */
export async function assertNothingWaits(store: CacheTxnStore, keys: readonly string[]): Promise<void> {
  const entries = await store.readEntries(keys);
  assert.deepEqual(
    entries.map((entry) => entry?.intent),
    keys.map(() => undefined),
  );
}
