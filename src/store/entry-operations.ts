/** The entry half of the store port: reads, and the one-slot commit (protocol sections 2 and 3). */
import type { Intent } from './intent.js';

/** An entry as read, value and version from the same read. */
export interface EntryRecord {
  /** The encoded value; undefined when the entry carries a version only. */
  readonly value: string | undefined;
  /** Larger than every earlier version of the key; never 0. */
  readonly version: number;
}

/** How entries are read. */
export interface EntryReadOptions {
  /**
   * `primary` (default): what is committed. `replica`: a copy of it, if there is one that answers, which may be late; such a read decides
   * nothing. A store without copies reads as always.
   */
  readonly from?: 'primary' | 'replica';
  /** Whether each entry that is there shall say how long it is left; of the primary alone. */
  readonly withTimeLeft?: boolean;
}

/** What the commit demands of a key before it changes anything. */
export type Expectation =
  /** Exactly this version; 0 means that there is no entry. */
  | { readonly kind: 'version'; readonly version: number }
  /** Any entry, whatever its version (`If-Match: *`). */
  | { readonly kind: 'exists' };

/**
 * How a new version is made; both only grow and never repeat for a key.
 * `timestamp`: the server's time in microseconds, or one more than the last where that is not larger.
 * `counter`: one more than the last, starting from the server's time.
 */
export type VersionStrategy = 'timestamp' | 'counter';

/** One key of a commit. At most one of these per key. */
export type CommitOperation =
  /** Only compares. */
  | { readonly kind: 'check'; readonly key: string; readonly expected: Expectation }
  /** Replaces the value. `ttlMs` 0 keeps the entry for ever. */
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly expected?: Expectation | undefined;
      readonly value: string;
      readonly ttlMs: number;
      readonly strategy: VersionStrategy;
    }
  /** Gives a new version to the key and keeps value and TTL; an absent entry is made with no value and `ttlMs`. */
  | {
      readonly kind: 'bump';
      readonly key: string;
      readonly expected?: Expectation | undefined;
      readonly ttlMs: number;
      readonly strategy: VersionStrategy;
    }
  | { readonly kind: 'delete'; readonly key: string; readonly expected?: Expectation | undefined };

/** A lock that must still be the caller's at the moment of the commit. */
export interface LockGuard {
  readonly name: string;
  readonly token: string;
}

/** Applies all operations or none, in one slot, in one step. */
export interface CommitRequest {
  /** Makes the commit idempotent: the same id again answers what the first one did. */
  readonly txnId: string;
  /** 1 to 128 operations, keys all different. */
  readonly operations: readonly CommitOperation[];
  readonly guards: readonly LockGuard[];
  /** The caller also relies on what this store cannot check, such as a lock of another store: it shall be sent at once. */
  readonly isUrgent?: boolean;
  /** How long the outcome can be asked for with {@link CacheTxnStore.resolveCommit}; 0 when nothing is written. */
  readonly outcomeTtlMs: number;
}

/** A key whose version is not the expected one; `actual` 0 means no entry. */
export interface Mismatch {
  readonly key: string;
  readonly actual: number;
}

export type CommitOutcome =
  /** Everything is visible. One number per operation, in order: the key's version afterwards, 0 for a deleted or absent one. */
  | { readonly kind: 'committed'; readonly versions: readonly number[] }
  /** Nothing changed: these keys have another version. */
  | { readonly kind: 'conflict'; readonly mismatches: readonly Mismatch[] }
  /** Nothing changed: a key carries another transaction's prepared write. */
  | { readonly kind: 'intent'; readonly key: string; readonly intent: Intent }
  /** Nothing changed: this lock is no longer the caller's. */
  | { readonly kind: 'lock-lost'; readonly name: string }
  /** Nothing changed and nothing ever will: the transaction was declared aborted. */
  | { readonly kind: 'aborted' };

/**
 * The one outcome of a commit whose answer was lost. When there is none yet it becomes `aborted`, for good: a commit
 * that arrives later is refused (protocol I5: the decision is one put-if-absent).
 */
export type ResolveOutcome =
  { readonly kind: 'committed'; readonly versions: readonly number[] } | { readonly kind: 'aborted' };
