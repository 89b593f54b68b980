import type { Outcome } from '../event.js';

/**
 * A list-append history: transactions that append to lists and read whole lists.
 *
 * Such a history needs no knowledge of the store: a list that was read names its own past, so the order of the writes, and
 * what every reader had seen and not seen, follow from the answers alone.
 */
export type History = readonly Transaction[];

export type Operation = Append | Read;

export interface Append {
  readonly kind: 'append';
  readonly key: string;
  /** Nobody else appends it to this key. */
  readonly element: string;
}

export interface Read {
  readonly kind: 'read';
  readonly key: string;
  /** What was answered, an absent key being the empty list; undefined if the answer is not known: it proves nothing. */
  readonly list: readonly string[] | undefined;
}

export interface Transaction {
  /** Unique in the history. */
  readonly id: string;
  /** Who ran it; told to people only, no order is inferred from it. */
  readonly process: string;
  /** By a clock that all processes share and that never goes back; its unit does not matter. */
  readonly invokedAtMs: number;
  readonly completedAtMs?: number | undefined;
  /**
   * `ok`: took effect as a whole, between its two times. `failed`: surely did not and never will. `unknown`: took effect as
   * a whole or not at all, at any time after it was invoked, also long after its caller gave up.
   */
  readonly status: Outcome;
  /** In the order of the program. */
  readonly operations: readonly Operation[];
}

/** From when on the transaction has surely taken effect; never, if its outcome is not known, whatever time it was given. */
export function doneAtMs({ status, completedAtMs }: Transaction): number {
  return status === 'ok' ? (completedAtMs ?? Infinity) : Infinity;
}

/**
 * The ids are distinct, so that an anomaly names one transaction.
 *
 * @throws Error that names an id that two transactions have
 */
export function assertDistinctIds(history: History): void {
  const ids = new Set<string>();
  for (const { id } of history) {
    if (ids.has(id)) throw new Error(`two transactions of the history are called ${id}`);
    ids.add(id);
  }
}
