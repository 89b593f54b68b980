import { LOADED } from '../workload/journal.js';
import type { World } from '../world/world.js';

/** A version of a register that somebody knew at a time. */
interface Known {
  readonly atMs: number;
  readonly version: number;
  readonly how: string;
}

/**
 * Registers are deleted, evicted and expire, so a reader may find nothing at any time. What it finds was there, and is not older than
 * what anybody knew before it began.
 */
export function registerProblems({ journal, monitor, names }: World): string[] {
  return names.registers.flatMap((key) => {
    const states = new Map((monitor.visible.get(key) ?? []).map(({ version, value }) => [version, value]));
    const known: Known[] = [];
    for (const { id, versions, completedAtMs } of journal.attempts) {
      const version = versions?.get(key) ?? 0;
      if (version > 0 && completedAtMs !== undefined) known.push({ atMs: completedAtMs, version, how: id });
    }
    const reads = journal.reads.filter(
      (read) => read.key === key && read.found !== undefined && read.found.version !== LOADED,
    );
    for (const { id, completedAtMs, found } of reads) {
      known.push({ atMs: completedAtMs, version: found?.version ?? 0, how: id });
    }
    return reads.flatMap(({ id, invokedAtMs, found }) => {
      const { version, value } = found ?? { version: 0, value: undefined };
      if (states.get(version) !== value || !states.has(version)) {
        return [`register: ${id} read ${value ?? 'nothing'} in version ${version}, which was never there`];
      }
      const newer = known.find((each) => each.atMs < invokedAtMs && each.version > version);
      if (newer === undefined) return [];
      return [`register: ${id} read version ${version} of ${key} after ${newer.how} had had ${newer.version}`];
    });
  });
}
