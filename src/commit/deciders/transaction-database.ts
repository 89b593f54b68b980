import type { ErrorSink } from '../../base/error-sink.js';
import type { OpenTransaction } from '../../store/intent-operations.js';
import type { ParticipantTransaction, TransactionFate } from '../participants/participant.js';

/** What a database is told when the module starts. */
export interface DatabaseContext {
  readonly transactions: DatabaseTransactions;
  /** Of the module's keys; marks which transactions are its own. */
  readonly namespace: string;
  /** Takes errors that belong to no call. */
  readonly report: ErrorSink;
  /** Takes one line for the log that deserves attention. */
  readonly warn: (message: string) => void;
}

/** A transaction that was committed, and when its mark was written, by the clock of the database. */
export interface MarkedTransaction extends OpenTransaction {
  readonly markedAtUs: bigint;
}

/** Transactions of a database, which have growing numbers in the order in which they begin. */
export interface RecentCommits {
  readonly transactions: readonly MarkedTransaction[];
  /** The clock of the database now, in microseconds since 1970. */
  readonly nowUs: bigint;
  /** Every transaction with a smaller number has ended, and is among them if it was committed lately. */
  readonly endedBefore: bigint;
  /** The number of the next one that begins, or a smaller one of none that has begun. */
  readonly nextBegin: bigint;
}

/**
 * A database that decides transactions: `forRoot({ txn: { database } })`. Each decided transaction has left something there, in the same
 * database transaction as its rows, that tells whether it was committed (protocol section 3).
 */
export interface TransactionDatabase {
  /** The name of the participants that decide for it. */
  readonly name: string;
  /**
   * What became of a transaction. One that is not committed and has no open database transaction becomes `aborted` for good; one
   * that has is `pending`. Asked by whoever meets what a transaction has left, at any time.
   */
  resolve(txnId: string): Promise<TransactionFate>;
  /**
   * What was committed lately, for a cache that may have lost its last writes: since longer than a failover takes to be noticed, and a
   * transaction from its mark to its end.
   */
  recentlyCommitted?(): Promise<RecentCommits>;
  /** Forgets transactions of which nobody will ask any more. Called every minute, by one process. */
  forgetOld?(): Promise<void>;
  /** Before the first transaction. */
  start?(context: DatabaseContext): void | Promise<void>;
  /** After the last one. */
  stop?(): void | Promise<void>;
}

/** A database whose transactions can carry the mark of a cache transaction. */
export interface MarkingDatabase extends TransactionDatabase {
  /** One SQL statement without parameters: the last of a database transaction that decides this one (protocol section 3). */
  markSql(txn: ParticipantTransaction): string;
  /** Whether the database refused because of a concurrent transaction, so that running it again may help. */
  isConflict(error: unknown): boolean;
  /** Whether it ended the transaction because that did not commit in the time that the mark leaves it. */
  isTooLate(error: unknown): boolean;
}

/** Runs one statement in the database transaction that is about to commit. */
export type RunSql = (sql: string) => Promise<unknown>;

/**
 * Begins a database transaction, runs the application's work in it, awaits `beforeCommit` with the work's result, commits, and
 * answers that result. When `beforeCommit` throws it rolls back and throws.
 */
export type BeginDatabaseTransaction<T> = (beforeCommit: (run: RunSql, result: T) => Promise<void>) => Promise<T>;

/**
 * Sets a savepoint, runs the application's work, calls `beforeRelease` and releases the savepoint. When `beforeRelease` throws it rolls back to
 * the savepoint and throws.
 */
export type BeginSavepoint<T> = (beforeRelease: () => void) => Promise<T>;

/** Where database transactions and those of the cache meet: the coordinator of the module. */
export interface DatabaseTransactions {
  /** Runs a database transaction that decides the cache transaction of the call, or one that begins here. */
  withDatabase<T>(database: MarkingDatabase, begin: BeginDatabaseTransaction<T>): Promise<T>;
  /** The cache transaction of the present call; one that is over is that of work which has outlived it. */
  active(): { readonly id: string; readonly isOver: boolean } | undefined;
  /** A part of it that can be undone by itself. */
  nestInDatabase<T>(begin: BeginSavepoint<T>): Promise<T>;
}
