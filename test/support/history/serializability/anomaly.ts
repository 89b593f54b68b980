/** The contradictions that the checker knows, most of them by the names that Adya gave them. */
export type AnomalyKind =
  /** Two transactions wrote through each other: a cycle of ww. */
  | 'G0'
  /** A read shows what a failed transaction appended. */
  | 'G1a'
  /** A read ends in the middle of what another transaction appended. */
  | 'G1b'
  /** Transactions saw each other: a cycle of ww and wr, with a wr. */
  | 'G1c'
  /** A cycle with one rw: a torn or stale view, a lost update. */
  | 'G-single'
  /** A cycle with two or more rw: write skew. */
  | 'G2-item'
  /** A cycle that there is only because one had completed before another was invoked. */
  | 'real-time'
  /**
   * Two reads of a key, neither of which is a prefix of the other; or one that shows what a transaction appended in another
   * order than it did.
   */
  | 'incompatible-order'
  /** A read shows an element twice. */
  | 'duplicate-element'
  /** The reads of one transaction do not fit to its own appends or to each other. */
  | 'internal'
  /** An append was acknowledged, and somebody read the list later without it, and nobody ever saw it. */
  | 'lost-append'
  /** A read shows what nobody appended. */
  | 'garbage-read';

/** Why the first transaction of a step comes before the second. */
export interface CycleStep {
  readonly from: string;
  readonly to: string;
  /**
   * `ww`: appended before it. `wr`: was read by it. `rw`: did not see it. `rt`: had completed before it was invoked.
   */
  readonly edge: 'ww' | 'wr' | 'rw' | 'rt';
  /** Of the list and the element that show it; undefined for `rt`. */
  readonly key?: string;
  readonly element?: string;
}

/** One contradiction in a history, with what a person needs to follow it. */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly description: string;
  /** The ids of those who show it. */
  readonly transactions: readonly string[];
  /** Each step begins where the one before ends, and the last ends where the first begins. */
  readonly cycle?: readonly CycleStep[];
}

/** An anomaly as one reads it in a failed test. */
export function describeAnomaly({ kind, description }: Anomaly): string {
  return `${kind}: ${description}`;
}

/** The anomaly of a cycle, told step by step. */
export function cycleAnomaly(kind: AnomalyKind, cycle: readonly CycleStep[]): Anomaly {
  const steps = cycle.map((step) => `    ${step.from} -${step.edge}-> ${step.to}: ${reasonOf(step)}`);
  const description = [`each of these ${cycle.length} transactions comes before the next`, ...steps].join('\n');
  return { kind, description, transactions: cycle.map(({ from }) => from), cycle };
}

function reasonOf({ from, to, edge, key = '', element = '' }: CycleStep): string {
  switch (edge) {
    case 'ww':
      return `${to} appended ${element} to ${key} after what ${from} had appended`;
    case 'wr':
      return `${to} read ${key} with ${element}, which ${from} appended`;
    case 'rw':
      return `${from} read ${key} without ${element}, which ${to} appended`;
    case 'rt':
      return `${from} had completed before ${to} was invoked`;
  }
}

/** More of a list would hide what matters: its end. */
const SHOWN_ELEMENTS = 6;

/** The end of a list, as one reads it in a description. */
export function shownList(list: readonly string[]): string {
  const end = list.slice(-SHOWN_ELEMENTS);
  return `[${[...(end.length < list.length ? [`… ${list.length - end.length} more`] : []), ...end].join(', ')}]`;
}
