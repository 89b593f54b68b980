import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

/** F: after healing nothing is left that nobody will ever take away. */
export function leftoverProblems(events: readonly HistoryEvent[]): Problem[] {
  return only(events, 'leftover').map((event) => ({
    invariant: 'F',
    what: `left behind: ${event.what}`,
    events: [event],
  }));
}

/** G: the process lives, nothing goes unhandled, and what was counted before and after has not grown. */
export function growthProblems(events: readonly HistoryEvent[]): Problem[] {
  const incidents = only(events, 'incident').map((event): Problem => {
    return { invariant: 'G', what: event.what, events: [event] };
  });
  const samples = only(events, 'sample');
  const before = new Map(samples.filter(({ phase }) => phase === 'before').map((sample) => [sample.of, sample]));
  const grown = samples.flatMap((after): Problem[] => {
    const start = before.get(after.of);
    if (after.phase !== 'after' || start === undefined || after.count <= start.count) return [];
    return [{ invariant: 'G', what: `${after.of} grew from ${start.count} to ${after.count}`, events: [start, after] }];
  });
  return [...incidents, ...grown];
}
