/** The stable codes of every error this library throws; see docs/errors.md. */
export type CacheTxnErrorCode =
  | 'LOCK_TIMEOUT'
  | 'LOCK_LOST'
  | 'VERSION_CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'PRECONDITION_REQUIRED'
  | 'TXN_TIMEOUT'
  | 'TXN_IN_DOUBT'
  | 'TXN_ROLLED_BACK'
  | 'TXN_ABORTED'
  | 'TXN_STATE'
  | 'LOAD_TIMEOUT'
  | 'STORE_UNAVAILABLE'
  | 'STORE_TIMEOUT'
  | 'STORE_REPLY'
  | 'KEY_TEMPLATE'
  | 'LIMIT_EXCEEDED'
  | 'SHUTTING_DOWN'
  | 'INVALID_OPTIONS';

/** Facts about the failure, safe to log: keys, limits and durations, never values and never tokens. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What every constructor below takes beside its message. */
export interface ErrorContext {
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/**
 * The parent of every error this library throws.
 *
 * `code` is stable across releases, `retryable` says whether the same call may succeed when simply made again.
 * Messages name the key, the limit and what to do; they carry no cached value and no lock token.
 */
export abstract class CacheTxnError extends Error {
  abstract readonly code: CacheTxnErrorCode;
  /** Whether the same call, made again unchanged, may succeed. */
  readonly retryable: boolean = false;
  readonly details: ErrorDetails;

  constructor(message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.details = context.details ?? {};
  }
}

/** Somebody else held the lock for the whole `wait`, or its queue is full. */
export class LockTimeoutError extends CacheTxnError {
  readonly code = 'LOCK_TIMEOUT';
  override readonly retryable = true;
}

/** The lease ended, or was taken away, while the holder still worked; nothing it writes under the lock is accepted. */
export class LockLostError extends CacheTxnError {
  readonly code = 'LOCK_LOST';
  override readonly retryable = true;
}

/** Another writer changed a key between the read and the commit, and the attempts or the time budget are spent. */
export class VersionConflictError extends CacheTxnError {
  readonly code = 'VERSION_CONFLICT';
  override readonly retryable = true;
}

/** The client's own `If-Match` or `If-None-Match` does not hold; never retried by the server. */
export class PreconditionFailedError extends CacheTxnError {
  readonly code = 'PRECONDITION_FAILED';
}

/** The method demands an `If-Match` header and the request has none. */
export class PreconditionRequiredError extends CacheTxnError {
  readonly code = 'PRECONDITION_REQUIRED';
}

/** The transaction did not reach its commit within its `timeout`; nothing of it is visible. */
export class TransactionTimeoutError extends CacheTxnError {
  readonly code = 'TXN_TIMEOUT';
  override readonly retryable = true;
}

/**
 * The commit was sent and neither its answer nor its outcome could be had in time: it may or may not be visible. Or it is
 * visible, and its store waits for replicas that did not acknowledge it in time: a failover may take it back.
 */
export class TransactionInDoubtError extends CacheTxnError {
  readonly code = 'TXN_IN_DOUBT';
}

/** The transaction was marked rollback-only, and its outermost caller tried to commit. */
export class TransactionRolledBackError extends CacheTxnError {
  readonly code = 'TXN_ROLLED_BACK';
}

/** The caller went away (client disconnect, abort signal) before the commit; nothing is visible. */
export class TransactionAbortedError extends CacheTxnError {
  readonly code = 'TXN_ABORTED';
}

/** A call that the transaction's state or propagation forbids, such as a write into a finished or read-only one. */
export class TransactionStateError extends CacheTxnError {
  readonly code = 'TXN_STATE';
}

/** A loader took longer than its `timeout`; nothing was cached. */
export class LoadTimeoutError extends CacheTxnError {
  readonly code = 'LOAD_TIMEOUT';
  override readonly retryable = true;
}

/** No connection to the store, or the store refused the command; it was not executed. */
export class StoreUnavailableError extends CacheTxnError {
  readonly code = 'STORE_UNAVAILABLE';
  override readonly retryable = true;
}

/** The store did not answer in time; whether the command ran is unknown. */
export class StoreTimeoutError extends CacheTxnError {
  readonly code = 'STORE_TIMEOUT';
}

/**
 * The step of a commit has run, and not every replica has acknowledged it in time: a failover may take it back. Only between
 * a store and the commit; callers get `TXN_IN_DOUBT`.
 */
export class ReplicasBehindError extends StoreTimeoutError {}

/** Whether the store does not answer, rather than something being wrong with the call. */
export function isStoreAway(error: unknown): error is StoreUnavailableError | StoreTimeoutError {
  return error instanceof StoreUnavailableError || error instanceof StoreTimeoutError;
}

/** Whether the store did not answer, which everybody who uses it notices; false where it was there and refused, as for a user without a permission. */
export function isUnanswered(error: unknown): boolean {
  return isStoreAway(error) && (error.cause as Error | undefined)?.name !== 'ReplyError';
}

/** The store answered something that no version of this library writes: a foreign key or a tampered one. */
export class StoreReplyError extends CacheTxnError {
  readonly code = 'STORE_REPLY';
}

/** A placeholder of a key template is missing, empty or not a plain value; or a key is not usable as one. */
export class KeyTemplateError extends CacheTxnError {
  readonly code = 'KEY_TEMPLATE';
}

/** A key, a value, a transaction or a list of names is larger than its limit; nothing was sent. */
export class LimitExceededError extends CacheTxnError {
  readonly code = 'LIMIT_EXCEEDED';
}

/** The application is closing: no new lock, no new transaction, and a running one that outlasted `shutdownGrace` is rolled back. */
export class ShuttingDownError extends CacheTxnError {
  readonly code = 'SHUTTING_DOWN';
  override readonly retryable = true;
}

/**
 * An option or an argument has a value that cannot work: told when the class is defined, when the module starts, or by the
 * call that was given it.
 */
export class InvalidOptionsError extends CacheTxnError {
  readonly code = 'INVALID_OPTIONS';
}
