import { only, type HistoryEvent, type Outcome } from './event.js';

/** How often each action ended how; a fault test demands that its workload did work, and that its fault was felt. */
export function summaryOf(events: readonly HistoryEvent[]): Record<string, Record<Outcome, number>> {
  const settled = new Map(only(events, 'settle').map(({ op, outcome }) => [op, outcome]));
  const summary: Record<string, Record<Outcome, number>> = {};
  for (const { op, action } of only(events, 'begin')) {
    const counts = (summary[action] ??= { ok: 0, failed: 0, unknown: 0 });
    counts[settled.get(op) ?? 'unknown'] += 1;
  }
  return summary;
}

/** The settled calls with a code, by code. */
export function codesOf(events: readonly HistoryEvent[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { code } of only(events, 'settle')) if (code !== undefined) codes[code] = (codes[code] ?? 0) + 1;
  return codes;
}
