import type { HistoryEvent } from './event.js';

/** The invariants of a fault test, by the letters of its table. */
export type Invariant = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G';

/** A contradiction in a history, with the fewest events that show it. */
export interface Problem {
  readonly invariant: Invariant;
  readonly what: string;
  readonly events: readonly HistoryEvent[];
}

/** A problem as one reads it in a failed test. */
export function describeProblem({ invariant, what, events }: Problem): string {
  return [`${invariant}: ${what}`, ...events.map((event) => `    ${JSON.stringify(event)}`)].join('\n');
}
