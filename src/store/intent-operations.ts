/**
 * The part of the store port behind commits of several slots (protocol section 3): prepare, decide, settle, and the list of
 * transactions that are on their way.
 *
 * Each operation touches one slot, in one step, and may be sent twice.
 */
import type { CommitOperation, CommitOutcome, EntryRecord, LockGuard } from './entry-operations.js';
import type { Intent } from './intent.js';

/** An entry as it is stored: what is committed (version 0: nothing), and the write that may replace it. */
export interface StoredEntry extends EntryRecord {
  readonly intent?: Intent;
}

/** An operation that changes its key. */
export type WriteOperation = Exclude<CommitOperation, { readonly kind: 'check' }>;
export type CheckOperation = Extract<CommitOperation, { readonly kind: 'check' }>;

/** What one slot has to do with a transaction: writes to prepare, locks of the call to keep until the decision, or both. */
export interface PrepareRequest {
  readonly txnId: string;
  /** The first key of the slot that decides. */
  readonly decider: string;
  readonly operations: readonly WriteOperation[];
  readonly guards: readonly LockGuard[];
  /** From the arrival of this request on: how long only the owner may decide. */
  readonly leftMs: number;
  /** The leases of the guards last at least this much longer, from the arrival on: longer than anybody can decide. */
  readonly guardMs: number;
}

export type PrepareOutcome =
  /** Every write waits as an intent. One number per operation, in order: the version that its key will have, or lose. */
  | { readonly kind: 'prepared'; readonly versions: readonly number[] }
  /** Nothing changed. `aborted`: the transaction is over in this slot, and this request came late. */
  | Exclude<CommitOutcome, { readonly kind: 'committed' }>;

/** The commit point: in one step decides for the whole transaction and makes its writes in this slot visible. */
export interface DecideRequest {
  readonly txnId: string;
  /** The prepared writes of the deciding slot; the first key is the decider. */
  readonly operations: readonly WriteOperation[];
  /** Keys of the same slot that the transaction only read. */
  readonly checks: readonly CheckOperation[];
}

export type DecideOutcome =
  /** One version for each of the operations and then of the checks, in order. */
  | { readonly kind: 'committed'; readonly versions: readonly number[] }
  /** Nothing is decided: a key that was only read has changed, or is about to. */
  | Extract<CommitOutcome, { readonly kind: 'conflict' | 'intent' }>
  /** Decided: others declared it aborted, its time was over, or an intent in this slot has gone. */
  | { readonly kind: 'aborted' };

/** What is known of a transaction by the slot that decides. */
export type Decision =
  | { readonly kind: 'committed' | 'aborted' }
  /** Its owner may still decide; `nowMs` is the server's time. */
  | { readonly kind: 'pending'; readonly nowMs: number };

/** Takes the intents of a decided transaction out of one slot: makes them visible, or takes them back. */
export interface SettleRequest {
  readonly txnId: string;
  readonly verdict: 'committed' | 'aborted';
  /** Some or all keys that the transaction has in this slot. */
  readonly keys: readonly string[];
  /** The first of all of them; see {@link Intent}. */
  readonly anchor: string;
  /**
   * Given by the owner alone: the versions that it prepared, in order. A key that has neither the intent nor this version or
   * a later one has lost the write, and its value is deleted (protocol I7).
   */
  readonly versions?: readonly number[];
  /** How long the slot refuses a prepare of the same transaction that comes later, a copy for example. */
  readonly rememberMs: number;
}

/** A transaction on its way, for whoever clears up after its owner. */
export interface OpenTransaction {
  readonly txnId: string;
  /** The first is the decider. */
  readonly keys: readonly string[];
}
