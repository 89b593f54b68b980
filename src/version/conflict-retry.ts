import { fullJitterMs } from '../base/backoff.js';
import { type Clock, sleep } from '../base/clock.js';
import { TransactionAbortedError, VersionConflictError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { isInsideTransaction, withAttempt } from './attempt.js';
import type { ResolvedRetryOptions } from './version.options.js';

/** Whose conflicts are retried. */
export interface RetryOwner {
  /** Whether a failed attempt can be undone: not what it did in a database transaction that decides one of another store around the call. */
  readonly canUndo: boolean;
  /** Runs one attempt so that a conflict leaves nothing of it behind, in transactions of other stores around it either (protocol I10). */
  isolate<T>(attempt: () => Promise<T>): Promise<T>;
}

/** What a retry needs from outside. */
export interface RetryDependencies {
  readonly clock: Clock;
  readonly random: Random;
  /** The coordinator whose conflicts are meant: a transaction of another store around the call does not matter. */
  readonly owner: RetryOwner;
  /** What runs commits by itself also inside a transaction (`requires_new`). */
  readonly commitsItself?: boolean;
  /** What runs has no effect but its writes to the cache (`update`), so there is nothing else to undo. */
  readonly isComputation?: boolean;
}

/**
 * Runs `fn` again while it fails with a version conflict, within attempts and time budget (protocol section 4).
 *
 * Nothing but {@link VersionConflictError} is retried. Inside a transaction nothing is unless `commitsItself`: the
 * conflict shows at that transaction's own commit, outside this call. Nor is what cannot be undone.
 *
 * @throws VersionConflictError `VERSION_CONFLICT` the last one, with the number of attempts in its details
 * @throws TransactionAbortedError `TXN_ABORTED` when the signal aborts between two attempts
 */
export async function retryConflicts<T>(
  options: ResolvedRetryOptions,
  { clock, random, owner, commitsItself = false, isComputation = false }: RetryDependencies,
  signal: AbortSignal | undefined,
  fn: () => Promise<T>,
): Promise<T> {
  if (isInsideTransaction(owner) && !commitsItself) return fn();
  if (!isComputation && !owner.canUndo) return fn();
  const startedMs = clock.now();
  const conflicting = new Set<string>();
  for (let number = 1; ; number++) {
    const contended = number > options.escalateAfter ? [...conflicting] : [];
    try {
      return await withAttempt({ owner, number, contended }, () => owner.isolate(fn));
    } catch (error) {
      if (!(error instanceof VersionConflictError)) throw error;
      for (const key of keysOf(error)) conflicting.add(key);
      const pauseMs = fullJitterMs(number, options.backoff, random);
      const isSpent = number >= options.attempts || clock.now() + pauseMs - startedMs > options.budgetMs;
      if (isSpent) throw spent(error, number);
      await sleep(clock, pauseMs, signal).catch((cause: unknown) => {
        throw new TransactionAbortedError('the caller went away before the next attempt; nothing is visible', {
          cause,
        });
      });
    }
  }
}

function keysOf(error: VersionConflictError): readonly string[] {
  const { keys } = error.details;
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
}

function spent(last: VersionConflictError, attempts: number): VersionConflictError {
  if (attempts === 1) return last;
  return new VersionConflictError(`${last.message}; gave up after ${attempts} attempts`, {
    cause: last,
    details: { ...last.details, attempts },
  });
}
