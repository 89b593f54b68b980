import { listOf } from '../workload/list-value.js';
import type { World } from '../world/world.js';

/** Values that somebody could see and nobody wrote, or that the writer was told had failed (protocol I10). */
export function inventedValues({ isLossy, journal, monitor, names }: World): string[] {
  const problems: string[] = [];
  const elements = new Map(
    journal.attempts.flatMap((attempt) =>
      attempt.appends.map(({ key, element }) => [`${key} ${element}`, attempt.status] as const),
    ),
  );
  const values = new Map(
    journal.attempts.flatMap((attempt) =>
      [...attempt.puts].map(([key, value]) => [`${key} ${value}`, attempt.status] as const),
    ),
  );
  for (const [key, states] of monitor.visible) {
    const isList = names.lists.includes(key);
    const shown = new Set(states.flatMap(({ value }) => (isList ? listOf(value) : value === undefined ? [] : [value])));
    for (const each of shown) {
      const status = (isList ? elements : values).get(`${key} ${each}`);
      if (status === undefined) problems.push(`invented: ${key} showed ${each}, which nobody wrote`);
      else if (status === 'failed' && !isLossy) {
        problems.push(`I10: ${key} showed ${each}, whose transaction failed`);
      }
    }
  }
  return problems;
}
