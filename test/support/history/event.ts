/**
 * What a fault test writes down while it runs; the checkers beside this file look at nothing else.
 *
 * `atMs` is the machine's monotonic clock (`recorder.ts`), which all processes of one machine share. Two events of
 * different processes are ordered only where one had surely ended when the other began; where the order of concurrent
 * steps matters, the events carry a number of the place that decided it (fence, version, sequence).
 */
export type HistoryEvent = At &
  (Begin | Settle | Granted | Releasing | Released | Signalled | Accepted | PairRead | VersionRead | Counted | Trace);

interface At {
  readonly atMs: number;
  /** Who wrote it down: a client, a process, the test. */
  readonly actor: string;
}

/** A call begins, and promises to settle. */
export interface Begin {
  readonly kind: 'begin';
  /** Unique in the history, and the value that the call writes. */
  readonly op: string;
  readonly action: string;
  /** How long it may take. */
  readonly withinMs: number;
}

/** What a caller knows at the end: it happened, it did not and never will, or nobody can tell. */
export type Outcome = 'ok' | 'failed' | 'unknown';

export interface Settle {
  readonly kind: 'settle';
  readonly op: string;
  readonly outcome: Outcome;
  /** Of the error; undefined for ok. */
  readonly code?: string | undefined;
}

/** A caller believes from now on that it holds a lock. */
export interface Granted {
  readonly kind: 'granted';
  /** Unique in the history. */
  readonly hold: string;
  readonly name: string;
  readonly fence: number;
  /** When it began to ask. */
  readonly askedAtMs: number;
}

/** The holder asks for its release, and believes nothing from here on. */
export interface Releasing {
  readonly kind: 'releasing';
  readonly hold: string;
}

export interface Released {
  readonly kind: 'released';
  readonly hold: string;
  readonly answer: 'released' | 'lost' | 'unknown';
}

/** The signal of the lock fired. */
export interface Signalled {
  readonly kind: 'signalled';
  readonly hold: string;
}

/** A guarded resource accepted or refused a write; written down by the resource, in its own order. */
export interface Accepted {
  readonly kind: 'guarded-write';
  readonly resource: string;
  /** The place in the resource's own order. */
  readonly seq: number;
  readonly fence: number;
  readonly op: string;
  readonly isAccepted: boolean;
}

/** Both halves of a pair that is always written together, as one reader saw them: the op that wrote each, or null. */
export interface PairRead {
  readonly kind: 'pair-read';
  readonly pair: string;
  readonly left: string | null;
  readonly right: string | null;
  /** Of the left half, if the reader knows it. */
  readonly version?: number;
}

/** Somebody learnt a version of a key: by reading, or as the answer to a write of its own. */
export interface VersionRead {
  readonly kind: 'version-seen';
  readonly key: string;
  readonly version: number;
  /** When it began to ask: the version is not older than what anybody knew then. */
  readonly askedAtMs: number;
}

/** A counter after everything has healed, with the increments that are in it, oldest first. */
export interface Counted {
  readonly kind: 'counted';
  readonly counter: string;
  readonly count: number;
  readonly ops: readonly string[];
}

/** Something to compare or to miss at the end. */
export type Trace =
  | { readonly kind: 'leftover'; readonly what: string }
  | { readonly kind: 'incident'; readonly what: string }
  /** The last prepared write of a transaction has gone, so long after its deadline; before it, if negative. */
  | { readonly kind: 'resolved'; readonly what: string; readonly afterMs: number }
  | { readonly kind: 'sample'; readonly phase: 'before' | 'after'; readonly of: string; readonly count: number };

/** The events of some kinds, with their types. */
export function only<Kind extends HistoryEvent['kind']>(
  events: readonly HistoryEvent[],
  kind: Kind,
): Extract<HistoryEvent, { kind: Kind }>[] {
  return events.filter((event): event is Extract<HistoryEvent, { kind: Kind }> => event.kind === kind);
}
