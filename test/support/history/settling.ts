import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

/** What a store that is away, slow, full or forgetful may make of a call: never an error that nobody documented. */
export const EXPECTED_CODES: readonly string[] = [
  'LOCK_TIMEOUT',
  'LOCK_LOST',
  'VERSION_CONFLICT',
  'TXN_TIMEOUT',
  'TXN_IN_DOUBT',
  'TXN_ABORTED',
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'SHUTTING_DOWN',
];

/** E: every call settles once, by its deadline, and with an error that is documented for such a fault. */
export function settlingProblems(
  events: readonly HistoryEvent[],
  { expectedCodes = EXPECTED_CODES, killed = [] }: SettlingOptions = {},
): Problem[] {
  const settled = new Map(only(events, 'settle').map((event) => [event.op, event]));
  const problems: Problem[] = [];
  const add = (what: string, ...involved: HistoryEvent[]): void =>
    void problems.push({ invariant: 'E', what, events: involved });

  for (const begin of only(events, 'begin')) {
    const settle = settled.get(begin.op);
    if (settle === undefined) {
      if (!killed.some((name) => begin.actor === name || begin.actor.startsWith(`${name}/`)))
        add(`${begin.action} ${begin.op} never settled`, begin);
      continue;
    }
    const tookMs = Math.round(settle.atMs - begin.atMs);
    if (tookMs > begin.withinMs) add(`${begin.action} took ${tookMs} ms of ${begin.withinMs}`, begin, settle);
    if (settle.code !== undefined && !expectedCodes.includes(settle.code))
      add(`${begin.action} ended with ${settle.code}`, begin, settle);
  }
  return problems;
}

export interface SettlingOptions {
  /** Default {@link EXPECTED_CODES}. */
  readonly expectedCodes?: readonly string[];
  /** Actors that were killed, with all their parts (`name/...`): their last calls cannot settle. */
  readonly killed?: readonly string[];
}
