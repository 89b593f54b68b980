import { EDGE, type GraphBuilder } from './graph.js';
import { doneAtMs, type History } from './history.js';

/**
 * Writes down who had completed before whom was invoked, by the clock; equal times order nobody.
 *
 * There may be n² such pairs, so the completions become a row of waypoints, each leading to the next: a transaction enters
 * the row where it completes, and the row is left, at the last completion before it, by each that was invoked later. That is
 * exact, with at most three edges for a transaction, however many overlap.
 */
export function addRealTime(graph: GraphBuilder, history: History, isCommitted: readonly boolean[]): void {
  const committed = [...history.entries()].filter(([place]) => isCommitted[place]);
  const completions = committed
    .map(([place, transaction]) => ({ place, atMs: doneAtMs(transaction) }))
    .filter(({ atMs }) => atMs < Infinity)
    .sort((a, b) => a.atMs - b.atMs);
  const invocations = committed
    .map(([place, { invokedAtMs }]) => ({ place, atMs: invokedAtMs }))
    .sort((a, b) => a.atMs - b.atMs);

  let passed = 0;
  let waypoint: number | undefined;
  for (const invoked of invocations) {
    for (let done = completions[passed]; done && done.atMs < invoked.atMs; done = completions[passed]) {
      const next = graph.addWaypoint();
      if (waypoint !== undefined) graph.lead(waypoint, next);
      graph.add(done.place, next, EDGE.rt);
      waypoint = next;
      passed += 1;
    }
    if (waypoint !== undefined) graph.lead(waypoint, invoked.place);
  }
}
