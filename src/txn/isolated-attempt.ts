import { callScope } from '../base/async-scope.js';
import type { ErrorSink } from '../base/error-sink.js';
import { VersionConflictError } from '../base/errors.js';
import {
  type ActiveTransaction,
  asTransactions,
  otherTransactions,
  type TransactionOwner,
} from './active-transaction.js';

/**
 * Runs one attempt of a retry in the store of `owner` as a part of the transactions of other stores around it, which a
 * conflict undoes: a failed attempt leaves nothing behind (protocol I10). Any other error leaves them as without a retry.
 */
export function isolateAttempt<T>(owner: TransactionOwner, report: ErrorSink, attempt: () => Promise<T>): Promise<T> {
  const others = otherTransactions(owner);
  return others.length === 0 ? attempt() : isolateFrom(others, report, attempt);
}

async function isolateFrom<T>(
  others: readonly ActiveTransaction[],
  report: ErrorSink,
  attempt: () => Promise<T>,
): Promise<T> {
  const parts = others.map((other) => other.nest());
  try {
    const result = await callScope.runAll([asTransactions(parts)], attempt);
    parts.forEach((part, i) => others[i]?.absorb(part));
    return result;
  } catch (error) {
    const isConflict = error instanceof VersionConflictError;
    for (const [i, part] of parts.entries()) {
      if (isConflict) {
        part.end();
        await part.hooks.runAfter('rolled-back', report);
      } else if (part.isUsable) {
        others[i]?.absorb(part);
      }
    }
    throw error;
  }
}
