import type { HistoryEvent } from './event.js';
import { holdsByName, type Hold } from './holds.js';
import type { Problem } from './problem.js';

/**
 * B: the fences of a name strictly grow.
 *
 * No two holds have the same. And of two holds the later one has the larger, where the order is sure: the second began
 * to ask after the first was granted; or both releases were answered `released`, so that each held the lock at the
 * server all the time from its grant to its release, one after the other.
 */
export function fenceProblems(events: readonly HistoryEvent[]): Problem[] {
  const problems: Problem[] = [];
  for (const [name, holds] of holdsByName(events)) {
    const byFence = new Map<number, Hold>();
    let highestAnswered: Hold | undefined;
    for (const hold of holds) {
      const { fence } = hold.granted;
      const twin = byFence.get(fence);
      if (twin) add(`fence ${fence} of ${name} was given twice`, twin, hold);
      byFence.set(fence, hold);
    }
    const byAnswer = [...holds].sort((a, b) => a.granted.askedAtMs - b.granted.askedAtMs);
    let granted = 0;
    for (const hold of byAnswer) {
      for (; granted < holds.length && holds[granted]!.granted.atMs < hold.granted.askedAtMs; granted += 1) {
        const earlier = holds[granted]!;
        if (earlier.granted.fence > (highestAnswered?.granted.fence ?? 0)) highestAnswered = earlier;
      }
      if (highestAnswered && highestAnswered.granted.fence > hold.granted.fence)
        add(`the fence of ${name} went back`, highestAnswered, hold);
    }
    let last: Hold | undefined;
    for (const hold of holds.filter(({ released }) => released?.answer === 'released')) {
      if (last && last.granted.fence > hold.granted.fence) add(`the fence of ${name} went back`, last, hold);
      last = hold;
    }
  }
  return problems;

  function add(what: string, { granted: first }: Hold, { granted: second }: Hold): void {
    problems.push({ invariant: 'B', what, events: [first, second] });
  }
}

/** B: two who held a lock at the server, from the grant to a release that was answered `released`, never held it together. */
export function exclusionProblems(events: readonly HistoryEvent[]): Problem[] {
  const problems: Problem[] = [];
  for (const [name, holds] of holdsByName(events)) {
    let last: Hold | undefined;
    for (const hold of holds.filter(({ released }) => released?.answer === 'released')) {
      const heldUntilMs = last?.releasing?.atMs ?? -Infinity;
      if (last && heldUntilMs > hold.granted.atMs) {
        problems.push({
          invariant: 'B',
          what: `${name} was held twice, and both releases found their own lock`,
          events: [last.granted, hold.granted, ...(last.released ? [last.released] : [])],
        });
      }
      if (heldUntilMs < (hold.releasing?.atMs ?? -Infinity)) last = hold;
    }
  }
  return problems;
}
