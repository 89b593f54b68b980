import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

/**
 * C: counters are exact. Each increment is in a counter once or not at all: surely if it was told `ok`, surely not if
 * `failed`. So acknowledged <= final <= acknowledged + unknown.
 *
 * @param action of the increments; the counter of an increment is what follows it: `increment <counter>`
 */
export function counterProblems(events: readonly HistoryEvent[], action = 'increment'): Problem[] {
  const problems: Problem[] = [];
  const settled = new Map(only(events, 'settle').map((event) => [event.op, event]));
  const begun = only(events, 'begin');
  for (const counted of only(events, 'counted')) {
    const add = (what: string, ...involved: HistoryEvent[]): void =>
      void problems.push({ invariant: 'C', what: `${counted.counter}: ${what}`, events: involved });

    const times = new Map<string, number>();
    for (const op of counted.ops) times.set(op, (times.get(op) ?? 0) + 1);
    for (const [op, count] of times) if (count > 1) add(`${op} is in it ${count} times`);
    if (counted.count !== counted.ops.length)
      add(`it says ${counted.count} and holds ${counted.ops.length} increments`);

    const own = begun.filter((begin) => begin.action === `${action} ${counted.counter}`);
    const known = new Set(own.map(({ op }) => op));
    for (const op of times.keys()) if (!known.has(op)) add(`${op} is in it and was never begun`);
    let [acknowledged, unknown] = [0, 0];
    for (const begin of own) {
      const settle = settled.get(begin.op);
      if (settle?.outcome === 'ok') {
        acknowledged += 1;
        if (!times.has(begin.op)) add(`${begin.op} was acknowledged and is lost`, begin, settle);
      } else if (settle?.outcome === 'failed') {
        if (times.has(begin.op)) add(`${begin.op} failed and is in it`, begin, settle);
      } else {
        unknown += 1;
      }
    }
    if (counted.count < acknowledged || counted.count > acknowledged + unknown)
      add(`it says ${counted.count}, of ${acknowledged} acknowledged and ${unknown} unknown`);
  }
  return problems;
}
