import { callScope, ScopeKey } from '../base/async-scope.js';

/** Which run of a retried call this is. */
export interface Attempt {
  /** 1 for the first run. */
  readonly number: number;
  /** Keys to take locks on first; empty until the conflicts reached `escalateAfter`. */
  readonly contended: readonly string[];
}

const FIRST: Attempt = { number: 1, contended: [] };
const ATTEMPT = new ScopeKey<Attempt>('attempt');
const INSIDE_TRANSACTION = new ScopeKey<true>('inside a transaction');

export function currentAttempt(): Attempt {
  return callScope.get(ATTEMPT) ?? FIRST;
}

export function withAttempt<R>(attempt: Attempt, fn: () => R): R {
  return callScope.run(ATTEMPT, attempt, fn);
}

/**
 * Marks `fn` as the inside of a transaction: a conflict of that transaction can only be retried outside it, and an
 * inner transaction counts its attempts from 1.
 */
export function insideTransaction<R>(fn: () => R): R {
  return callScope.run(INSIDE_TRANSACTION, true, () => callScope.run(ATTEMPT, undefined, fn));
}

/** Marks `fn` as outside of any transaction again (`not_supported`). */
export function outsideTransaction<R>(fn: () => R): R {
  return callScope.run(INSIDE_TRANSACTION, undefined, fn);
}

export function isInsideTransaction(): boolean {
  return callScope.get(INSIDE_TRANSACTION) === true;
}
