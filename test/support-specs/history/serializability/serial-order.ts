import type { History, Transaction } from '../../../support/history/serializability/history.js';

/** More transactions have too many orders. */
const MAX_TRANSACTIONS = 6;

/**
 * Whether some order of the transactions explains every read, found by trying them all. Those that failed are in none of
 * them, those in doubt may be in it or not, and all others are.
 */
export function hasSerialOrder(history: History, { realTime }: { readonly realTime: boolean }): boolean {
  const candidates = history.filter(({ status }) => status !== 'failed');
  if (candidates.length > MAX_TRANSACTIONS) throw new Error(`${candidates.length} are too many to try all orders`);
  return extend(new Map(), candidates);

  function extend(lists: ReadonlyMap<string, readonly string[]>, rest: readonly Transaction[]): boolean {
    if (rest.every(({ status }) => status === 'unknown')) return true;
    return rest.some((next) => {
      const others = rest.filter((other) => other !== next);
      if (realTime && others.some((other) => isBefore(other, next))) return false;
      const after = perform(next, lists);
      return after !== undefined && extend(after, others);
    });
  }
}

function isBefore(a: Transaction, b: Transaction): boolean {
  return a.status === 'ok' && (a.completedAtMs ?? Infinity) < b.invokedAtMs;
}

function perform(
  { operations }: Transaction,
  lists: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> | undefined {
  const after = new Map(lists);
  for (const operation of operations) {
    const list = after.get(operation.key) ?? [];
    if (operation.kind === 'append') after.set(operation.key, [...list, operation.element]);
    else if (operation.list && operation.list.join() !== list.join()) return undefined;
  }
  return after;
}
