import { type Binding, callScope, ScopeKey } from '../base/async-scope.js';

/** Which run of a retried call this is. */
export interface Attempt {
  /** The coordinator whose conflicts are retried. */
  readonly owner: object;
  /** 1 for the first run. */
  readonly number: number;
  /** Keys to take locks on first; empty until the conflicts reached `escalateAfter`. */
  readonly contended: readonly string[];
}

const FIRST = { number: 1, contended: [] } as const;
const ATTEMPT = new ScopeKey<Attempt>('attempt');
/** The coordinators of the transactions around the call. */
const INSIDE_TRANSACTION = new ScopeKey<readonly object[]>('inside a transaction');

/** The attempt that a transaction of `owner` belongs to; the first outside of its retries. */
export function currentAttempt(owner: object): Pick<Attempt, 'number' | 'contended'> {
  const attempt = callScope.get(ATTEMPT);
  return attempt?.owner === owner ? attempt : FIRST;
}

export function withAttempt<R>(attempt: Attempt, fn: () => R): R {
  return callScope.run(ATTEMPT, attempt, fn);
}

/**
 * The inside of a transaction of `owner`: a conflict of that transaction can only be retried outside it, and an inner
 * transaction counts its attempts from 1.
 */
export function insideTransaction(owner: object): readonly Binding[] {
  const owners = transactionOwners();
  const attempt = callScope.get(ATTEMPT);
  return [
    INSIDE_TRANSACTION.to(owners.includes(owner) ? owners : [...owners, owner]),
    ATTEMPT.to(attempt?.owner === owner ? undefined : attempt),
  ];
}

/** Outside of any transaction of `owner` again (`not_supported`). */
export function outsideTransaction(owner: object): Binding {
  return INSIDE_TRANSACTION.to(transactionOwners().filter((other) => other !== owner));
}

export function isInsideTransaction(owner: object): boolean {
  return transactionOwners().includes(owner);
}

function transactionOwners(): readonly object[] {
  return callScope.get(INSIDE_TRANSACTION) ?? [];
}
