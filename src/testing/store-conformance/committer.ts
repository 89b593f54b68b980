import assert from 'node:assert/strict';
import type { CommitOperation, CommitOutcome, CommitRequest, Expectation } from '../../store/entry-operations.js';
import type { CheckOperation, StoredEntry, WriteOperation } from '../../store/intent-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';
import type { StoreHarness } from './store-harness.js';

/** What a write says unless it says otherwise: no expectation, for ever, by timestamp. */
interface WriteOptions {
  readonly expected?: Expectation;
  readonly ttlMs?: number;
  readonly strategy?: 'timestamp' | 'counter';
}

export function put(key: string, value: string, options: WriteOptions = {}): WriteOperation {
  return { kind: 'put', key, value, ttlMs: 0, strategy: 'timestamp', ...options };
}

export function bump(key: string, options: WriteOptions = {}): WriteOperation {
  return { kind: 'bump', key, ttlMs: 0, strategy: 'timestamp', ...options };
}

export function remove(key: string, expected?: Expectation): WriteOperation {
  return expected === undefined ? { kind: 'delete', key } : { kind: 'delete', key, expected };
}

export function check(key: string, expected: Expectation): CheckOperation {
  return { kind: 'check', key, expected };
}

export const version = (number: number): Expectation => ({ kind: 'version', version: number });
export const exists: Expectation = { kind: 'exists' };

/** A commit under a new transaction id whose outcome is remembered for long. */
export function requestOf(
  { uniqueName }: StoreHarness,
  operations: readonly CommitOperation[],
  changes: Partial<CommitRequest> = {},
): CommitRequest {
  return { txnId: uniqueName('txn'), operations, guards: [], outcomeTtlMs: LONG_MS, ...changes };
}

/** Commits under a new transaction id. */
export function commit(
  harness: StoreHarness,
  operations: readonly CommitOperation[],
  changes: Partial<CommitRequest> = {},
): Promise<CommitOutcome> {
  return harness.store.commit(requestOf(harness, operations, changes));
}

/** Commits, fails the case unless that succeeds, and answers the versions. */
export async function committed(
  harness: StoreHarness,
  operations: readonly CommitOperation[],
): Promise<readonly number[]> {
  const outcome = await commit(harness, operations);
  assert(outcome.kind === 'committed', `the commit succeeds, but the answer is ${outcome.kind}`);
  assert.equal(outcome.versions.length, operations.length);
  return outcome.versions;
}

/** Commits one operation and answers the version of its key. */
export async function written(harness: StoreHarness, operation: CommitOperation): Promise<number> {
  const [number] = await committed(harness, [operation]);
  assert(number !== undefined);
  return number;
}

/** The entry of one key, with the write that may wait beside it. */
export async function entryOf(store: CacheTxnStore, key: string): Promise<StoredEntry | undefined> {
  const entries = await store.readEntries([key]);
  assert.equal(entries.length, 1);
  return entries[0];
}
