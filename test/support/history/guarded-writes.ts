import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

/** B: in the order of the resource itself, the fences of accepted writes never go back, and no write is accepted twice. */
export function guardedWriteProblems(events: readonly HistoryEvent[]): Problem[] {
  const problems: Problem[] = [];
  const last = new Map<string, Extract<HistoryEvent, { kind: 'guarded-write' }>>();
  const writes = only(events, 'guarded-write').sort((a, b) => a.seq - b.seq);
  const accepted = new Map<string, (typeof writes)[number]>();
  for (const write of writes) {
    if (!write.isAccepted) continue;
    const { resource, fence, op } = write;
    const before = last.get(resource);
    if (before && before.fence > fence) {
      const what = `${resource} accepted fence ${fence} after ${before.fence}`;
      problems.push({ invariant: 'B', what, events: [before, write] });
    } else {
      last.set(resource, write);
    }
    const first = accepted.get(`${resource} ${op}`);
    // With the same place in the order it is one write that was seen again.
    if (first && first.seq !== write.seq)
      problems.push({ invariant: 'B', what: `${resource} accepted ${op} twice`, events: [first, write] });
    accepted.set(`${resource} ${op}`, write);
  }
  return problems;
}

/** How many writes a resource refused: the late ones of holders who did not know yet. */
export function refusedWrites(events: readonly HistoryEvent[]): number {
  return only(events, 'guarded-write').filter(({ isAccepted }) => !isAccepted).length;
}
