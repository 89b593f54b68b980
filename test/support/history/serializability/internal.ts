import { shownList, type Anomaly } from './anomaly.js';
import { endsWith } from './external-reads.js';
import type { History, Operation, Read, Transaction } from './history.js';
import type { VersionOrders } from './version-order.js';

/**
 * `internal`: within one transaction, a read shows what the transaction read before plus what it appended since, and never
 * what it is yet to append. Told once for each transaction and key.
 */
export function internalAnomalies(history: History, { isCommitted }: VersionOrders): Anomaly[] {
  return history.filter((_, place) => isCommitted[place]).flatMap(contradictionsWithin);
}

function contradictionsWithin(transaction: Transaction): Anomaly[] {
  const { id, operations } = transaction;
  const anomalies = new Map<string, Anomaly>();
  const views = new Map<string, View>();
  for (const [at, operation] of operations.entries()) {
    const { key } = operation;
    const view = views.get(key) ?? { base: undefined, appended: [] };
    if (operation.kind === 'append') {
      views.set(key, { ...view, appended: [...view.appended, operation.element] });
    } else if (operation.list) {
      const { list } = operation;
      const why = contradiction(view, list) ?? foresight(operations.slice(at + 1), key, list);
      if (why !== undefined && !anomalies.has(key)) {
        const description = `${id} read ${key} as ${shownList(list)}: ${why}`;
        anomalies.set(key, { kind: 'internal', description, transactions: [id] });
      }
      views.set(key, { base: list, appended: [] });
    }
  }
  return [...anomalies.values()];
}

/** What a transaction knows of a key: what it read last, and what it appended since. */
interface View {
  readonly base: Read['list'];
  readonly appended: readonly string[];
}

function contradiction({ base, appended }: View, list: readonly string[]): string | undefined {
  const isExpected =
    !base || (list.length === base.length + appended.length && base.every((element, i) => list[i] === element));
  if (isExpected && endsWith(list, appended)) return undefined;
  const own = appended.length > 0 ? `it had appended ${shownList(appended)}` : 'it had appended nothing';
  return base ? `it had read ${shownList(base)} before, and since then ${own}` : own;
}

function foresight(later: readonly Operation[], key: string, list: readonly string[]): string | undefined {
  for (const operation of later) {
    if (operation.kind === 'append' && operation.key === key && list.includes(operation.element))
      return `it appended ${operation.element} only afterwards`;
  }
  return undefined;
}
