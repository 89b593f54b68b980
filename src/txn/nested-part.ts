import { callScope } from '../base/async-scope.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { BeginSavepoint } from '../commit/deciders/transaction-database.js';
import { type ActiveTransaction, asTransaction, type TransactionOwner } from './active-transaction.js';

/** Runs `fn` as a part of `outer` that is undone alone when it fails. */
export async function nestPart<T>(
  owner: TransactionOwner,
  report: ErrorSink,
  outer: ActiveTransaction,
  fn: (part: ActiveTransaction) => T | Promise<T>,
): Promise<T> {
  const part = outer.nest();
  try {
    const result = await callScope.runAll([asTransaction(owner, part)], () => fn(part));
    part.assertNotRollbackOnly();
    outer.absorb(part);
    return result;
  } catch (error) {
    part.end();
    await part.hooks.runAfter('rolled-back', report);
    throw error;
  }
}

/**
 * The same with a savepoint of the database. What makes the part of the cache fail when the savepoint is released already makes the whole
 * fail: its rows could not be undone any more.
 */
export function nestWithSavepoint<T>(
  owner: TransactionOwner,
  report: ErrorSink,
  outer: ActiveTransaction,
  begin: BeginSavepoint<T>,
): Promise<T> {
  let isReleased = false;
  const nested = nestPart(owner, report, outer, async (part) => {
    const result = await begin(() => {
      part.assertNotRollbackOnly();
    });
    isReleased = true;
    return result;
  });
  return nested.catch((error: unknown) => {
    if (isReleased) outer.markRollbackOnly('a nested part failed whose rows could not be undone any more');
    throw error;
  });
}
