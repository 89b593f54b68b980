import { cycleAnomaly, type Anomaly, type CycleStep } from './anomaly.js';
import { indexAppends, type Appends } from './appends.js';
import { readCommittedCycles, serializableCycles } from './cycle-classes.js';
import type { Step } from './cycle-search.js';
import { addDependencies } from './dependencies.js';
import { EDGE, GraphBuilder } from './graph.js';
import { assertDistinctIds, type History } from './history.js';
import { internalAnomalies } from './internal.js';
import { lostAppendAnomaly, lostAppends } from './lost-appends.js';
import { readAnomalies } from './read-anomalies.js';
import { addRealTime } from './real-time.js';
import { versionOrders } from './version-order.js';

export interface CheckOptions {
  /**
   * Whether a transaction that had completed before another was invoked must come before it (strict serializability). Finds
   * `real-time` and `lost-append`. Without it, an order of all transactions that explains the reads is enough.
   */
  readonly realTime: boolean;
  /**
   * What was promised. `read-committed` knows G0, G1a, G1b, G1c, `garbage-read`, `duplicate-element` and
   * `incompatible-order` alone, and no time. Default `serializable`, which knows all.
   */
  readonly isolation?: 'serializable' | 'read-committed';
}

/**
 * Finds the contradictions in a list-append history; none means that it is what was promised.
 *
 * It is sound: each anomaly contradicts the isolation, whatever happened where nobody looked. It is complete for
 * `serializable`: where there is no anomaly, there is an order of the transactions that explains every read. Of a tangle of
 * transactions it tells one cycle of each class, not all.
 *
 * @throws Error if two transactions have the same id, or if an element was appended to a key twice
 */
export function checkHistory(history: History, { realTime, isolation = 'serializable' }: CheckOptions): Anomaly[] {
  assertDistinctIds(history);
  const isSerializable = isolation === 'serializable';
  const isInTime = isSerializable && realTime;
  const appends = indexAppends(history);
  const orders = versionOrders(history, appends);
  const lost = isInTime ? lostAppends(history, orders.keys) : [];

  const builder = new GraphBuilder(history.length);
  const lostRecords = new Set(lost.map(({ record }) => record));
  for (const order of orders.keys) addDependencies(builder, order, lostRecords);
  if (isInTime) addRealTime(builder, history, orders.isCommitted);
  const graph = builder.build();
  const cycles = [...readCommittedCycles(graph), ...(isSerializable ? serializableCycles(graph) : [])];

  return [
    ...readAnomalies(history, appends, orders.keys),
    ...(isSerializable ? internalAnomalies(history, orders) : []),
    ...lost.map((append) => lostAppendAnomaly(history, append)),
    ...cycles.map(({ kind, steps }) =>
      cycleAnomaly(
        kind,
        steps.map((step) => cycleStep(history, appends, step)),
      ),
    ),
  ];
}

function cycleStep(history: History, appends: Appends, { from, to, kind, element }: Step): CycleStep {
  const edge = (['ww', 'wr', 'rw', 'rt'] as const).find((name) => (kind & EDGE[name]) !== 0) ?? 'rt';
  const record = appends.all[element];
  const ends = { from: history[from]?.id ?? '', to: history[to]?.id ?? '', edge };
  return record ? { ...ends, key: record.key, element: record.element } : ends;
}
