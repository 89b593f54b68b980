import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

/**
 * A: no reader sees half of a pair. E: nobody ever sees what a call wrote that failed. C: no write is applied twice, which
 * shows as two versions of one write.
 */
export function visibilityProblems(events: readonly HistoryEvent[]): Problem[] {
  const problems: Problem[] = [];
  const settled = new Map(only(events, 'settle').map((event) => [event.op, event]));
  const begun = new Set(only(events, 'begin').map(({ op }) => op));
  const versions = new Map<string, HistoryEvent & { readonly version?: number }>();
  for (const read of only(events, 'pair-read')) {
    const { pair, left, right, version } = read;
    if (left !== null && version !== undefined) {
      const first = versions.get(left);
      if (first === undefined) versions.set(left, read);
      else if (first.version !== version)
        problems.push({ invariant: 'C', what: `${pair} had ${left} applied twice`, events: [first, read] });
    }
    if (left !== right)
      problems.push({ invariant: 'A', what: `${pair} is torn: ${left} and ${right}`, events: [read] });
    for (const op of new Set([left, right])) {
      if (op === null) continue;
      const settle = settled.get(op);
      if (settle?.outcome === 'failed')
        problems.push({ invariant: 'E', what: `${pair} shows ${op}, which failed`, events: [settle, read] });
      if (!begun.has(op))
        problems.push({ invariant: 'A', what: `${pair} shows ${op}, which nobody wrote`, events: [read] });
    }
  }
  return problems;
}

/**
 * D: nobody learns an older version of a key than somebody knew before it began to ask.
 *
 * It holds where the server keeps its entries: a restart without persistence begins again from nothing, that is version 0,
 * which is left out; the numbers themselves go on growing all the same.
 */
export function versionProblems(events: readonly HistoryEvent[]): Problem[] {
  const problems: Problem[] = [];
  const all = only(events, 'version-seen');
  for (const key of new Set(all.map((event) => event.key))) {
    const seen = all.filter((event) => event.key === key);
    const byAnswer = seen.filter(({ version }) => version > 0).sort((a, b) => a.atMs - b.atMs);
    let highest: (typeof byAnswer)[number] | undefined;
    let known = 0;
    for (const later of [...byAnswer].sort((a, b) => a.askedAtMs - b.askedAtMs)) {
      for (; known < byAnswer.length && byAnswer[known]!.atMs < later.askedAtMs; known += 1) {
        const earlier = byAnswer[known]!;
        if (earlier.version > (highest?.version ?? 0)) highest = earlier;
      }
      if (highest && highest.version > later.version)
        problems.push({ invariant: 'D', what: `the version of ${key} went back`, events: [highest, later] });
    }
  }
  return problems;
}
