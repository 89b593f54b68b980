import type { Attempt } from '../workload/journal.js';
import type { Visible } from '../world/monitor.js';
import type { World } from '../world/world.js';

/**
 * All or nothing, seen from inside: every value of a committed transaction was visible at some time, with the version that its caller
 * was told; of one whose outcome nobody knows, all were or none.
 */
export function attemptProblems({ journal, monitor }: World): string[] {
  return journal.attempts.flatMap((attempt) => {
    const { id, puts, status } = attempt;
    if (status === 'failed' || puts.size === 0) return [];
    const seen = [...puts].map(([key, value]) => monitor.visible.get(key)?.find((state) => state.value === value));
    const count = seen.filter((state) => state !== undefined).length;
    const isWhole = count === puts.size || (count === 0 && status === 'unknown');
    if (isWhole) return seen.flatMap((state, i) => wrongVersion(attempt, [...puts.keys()][i] ?? '', state));
    return [`torn: of ${id}, which is ${status}, ${count} of ${puts.size} values were ever visible`];
  });
}

function wrongVersion({ id, versions }: Attempt, key: string, state: Visible | undefined): string[] {
  const told = versions?.get(key);
  if (told === undefined || state === undefined || told === state.version) return [];
  return [`version: ${id} was told that ${key} is ${told}, and it became ${state.version}`];
}
