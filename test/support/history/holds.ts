import { only, type HistoryEvent } from './event.js';
import type { Problem } from './problem.js';

type Of<Kind extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: Kind }>;

/** One time that somebody held a lock. */
export interface Hold {
  readonly granted: Of<'granted'>;
  readonly signalled: Of<'signalled'> | undefined;
  readonly releasing: Of<'releasing'> | undefined;
  readonly released: Of<'released'> | undefined;
}

/** The holds of each name, in the order in which they were granted as their holders saw it. */
export function holdsByName(events: readonly HistoryEvent[]): Map<string, Hold[]> {
  const signalled = byHold(only(events, 'signalled'));
  const releasing = byHold(only(events, 'releasing'));
  const released = byHold(only(events, 'released'));
  const names = new Map<string, Hold[]>();
  for (const granted of only(events, 'granted').sort((a, b) => a.atMs - b.atMs)) {
    const { name, hold } = granted;
    const entry = {
      granted,
      signalled: signalled.get(hold),
      releasing: releasing.get(hold),
      released: released.get(hold),
    };
    names.set(name, [...(names.get(name) ?? []), entry]);
  }
  return names;
}

function byHold<Event extends { readonly hold: string }>(events: readonly Event[]): Map<string, Event> {
  return new Map(events.map((event) => [event.hold, event]));
}

/** Until when a holder believed: its signal, its own release, or the end of the history. */
export function believedUntilMs({ signalled, releasing }: Hold): number {
  return Math.min(signalled?.atMs ?? Infinity, releasing?.atMs ?? Infinity);
}

/** Two holders of one name who believed at the same moment. */
export interface Overlap {
  readonly name: string;
  readonly first: Hold;
  readonly second: Hold;
  readonly forMs: number;
}

/**
 * Counts what cannot be avoided when a server loses or ends locks on its own: overlaps of believed holders. Where the
 * server keeps its locks there is none (G7), see {@link beliefProblems}.
 */
export function overlaps(events: readonly HistoryEvent[]): Overlap[] {
  const found: Overlap[] = [];
  for (const [name, holds] of holdsByName(events)) {
    for (const [i, second] of holds.entries()) {
      for (const first of holds.slice(0, i)) {
        const untilMs = Math.min(believedUntilMs(first), believedUntilMs(second));
        const forMs = untilMs - second.granted.atMs;
        if (forMs > 0) found.push({ name, first, second, forMs });
      }
    }
  }
  return found;
}

/** B: where the server keeps its locks, nobody believes to hold a lock while somebody else does. */
export function beliefProblems(events: readonly HistoryEvent[]): Problem[] {
  return overlaps(events).map(({ name, first, second, forMs }) => ({
    invariant: 'B',
    what: `two believed to hold ${name} for ${forMs.toFixed(1)} ms`,
    events: [first.granted, ...(first.signalled ? [first.signalled] : []), second.granted],
  }));
}
