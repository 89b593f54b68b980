import type { Attempt } from '../workload/journal.js';
import type { Monitor, Visible } from '../world/monitor.js';
import type { World } from '../world/world.js';

/**
 * All or nothing, seen from inside: every value of a committed transaction was visible at some time, with the version that its caller
 * was told; of one whose outcome nobody knows, all were or none.
 */
export function attemptProblems({ journal, monitor }: World): string[] {
  return journal.attempts.flatMap((attempt) => {
    const { decider, id, puts, status } = attempt;
    if (status === 'failed' || puts.size === 0) return [];
    // Where a database decides, whoever clears up makes entries void: what was committed is in the rows.
    if (decider === 'database') return wrongVersions(attempt, monitor);
    const seen = [...puts].map(([key, value]) => monitor.visible.get(key)?.find((state) => state.value === value));
    const count = seen.filter((state) => state !== undefined).length;
    const isWhole = count === puts.size || (count === 0 && status === 'unknown');
    if (isWhole) return seen.flatMap((state, i) => wrongVersion(attempt, [...puts.keys()][i] ?? '', state));
    return [`torn: of ${id}, which is ${status}, ${count} of ${puts.size} values were ever visible`];
  });
}

/** A value that was made void may have been loaded again since, in a version of its own; a version that was told has one value. */
function wrongVersions(attempt: Attempt, monitor: Monitor): string[] {
  const { id, puts, versions } = attempt;
  return [...puts].flatMap(([key, value]) => {
    const state = monitor.visible.get(key)?.find(({ version }) => version === versions?.get(key));
    if (state === undefined || state.value === value) return [];
    return [`version: ${id} was told that its ${key} is ${state.version}, which was ${state.value ?? 'nothing'}`];
  });
}

function wrongVersion({ id, versions }: Attempt, key: string, state: Visible | undefined): string[] {
  const told = versions?.get(key);
  if (told === undefined || state === undefined || told === state.version) return [];
  return [`version: ${id} was told that ${key} is ${told}, and it became ${state.version}`];
}
