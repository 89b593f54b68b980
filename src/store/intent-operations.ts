/**
 * The part of the store port behind commits of several slots (protocol section 3): prepare, decide, settle, and the list of
 * transactions that are on their way.
 *
 * Each operation touches one slot, in one step, and may be sent twice.
 */
import type { CommitOperation, CommitOutcome, EntryRecord, LockGuard } from './entry-operations.js';
import type { DATABASE_DECIDES, Intent } from './intent.js';

/** An entry as it is stored: what is committed (version 0: nothing), and the write that may replace it. */
export interface StoredEntry extends EntryRecord {
  readonly intent?: Intent;
  /**
   * How long a copy of the entry may be given as it is, in ms, where that was asked for: to the end of the entry, infinity for ever; 0 where its value gets stale
   * before, and whoever reads it has to ask. With a prepared write it says nothing.
   */
  readonly leftMs?: number;
}

/** An operation that changes its key. */
export type WriteOperation = Exclude<CommitOperation, { readonly kind: 'check' }>;
export type CheckOperation = Extract<CommitOperation, { readonly kind: 'check' }>;

/** What one slot has to do with a transaction: writes to prepare, locks of the call to keep until the decision, or both. */
export interface PrepareRequest {
  readonly txnId: string;
  /** The first key of the slot that decides, or {@link DATABASE_DECIDES}. */
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
  /** As in a commit of one slot: it leaves before anything else of this turn of the event loop runs. */
  readonly isUrgent?: boolean;
}

export type DecideOutcome =
  /** One version for each of the operations and then of the checks, in order. */
  | { readonly kind: 'committed'; readonly versions: readonly number[] }
  /** Nothing is decided: a key that was only read has changed, or is about to. */
  | Extract<CommitOutcome, { readonly kind: 'conflict' | 'intent' }>
  /** Decided: others declared it aborted, its time was over, or an intent in this slot has gone. */
  | { readonly kind: 'aborted' };

/** Asks the slot that decides, or, about a transaction that is decided elsewhere, a slot that has prepared. */
export interface DecisionQuestion {
  readonly txnId: string;
  /** The decider of the intent, or its anchor where no slot decides. */
  readonly decider: string;
  /** Of the intent that was met, for a slot whose own has gone. */
  readonly deadlineMs: number;
  /** The slot does not decide: it only tells whether the deadline has passed. */
  readonly isDecidedElsewhere?: boolean;
}

/** What is known of a transaction by the slot that decides. */
export type Decision =
  /** Where another decides: the slot has settled it, and what may be left here is to be made void. */
  | { readonly kind: 'committed' | 'aborted' }
  /** Its owner may still decide; `nowMs` is the server's time. */
  | { readonly kind: 'pending'; readonly nowMs: number }
  /** The deadline has passed, and another decides. */
  | { readonly kind: 'overdue' };

/** Takes the intents of a decided transaction out of one slot: makes them visible, or takes them back. */
export interface SettleRequest {
  readonly txnId: string;
  /**
   * `committed` makes the writes visible, `aborted` takes them back. Of a transaction that a database decides, `published` is its
   * live owner's `committed`: a key without the intent loses its value, because nobody can tell how old that is (protocol I7).
   * `void` is anybody else's: the value goes, whatever the outcome (I6). Both leave the intents of others alone.
   */
  readonly verdict: 'committed' | 'aborted' | 'published' | 'void';
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
  /** Asked for by somebody who only wants the key: the store need not make sure that it outlasts a failover. */
  readonly isInPassing?: boolean;
}

/** A transaction on its way, for whoever clears up after its owner. */
export interface OpenTransaction {
  readonly txnId: string;
  /** The first is the decider, unless a database is. */
  readonly keys: readonly string[];
  readonly decider?: typeof DATABASE_DECIDES;
}

/** An open transaction as whoever only looks at it sees it. */
export interface ListedTransaction extends OpenTransaction {
  /** How long it should have been closed for by now; negative: its owner has this much left. */
  readonly overdueMs: number;
  /**
   * What the slot that decides has a record of, `pending` while it has none. `unknown`: that slot did not say.
   * Looking changes nothing, unlike {@link CacheTxnStore.askDecision}: `pending` and overdue is about to be aborted.
   */
  readonly decision: 'pending' | 'committed' | 'aborted' | 'database' | 'unknown';
}
