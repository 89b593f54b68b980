import type { Dice } from '../engine/dice.js';

/** How likely each fault is, for each message. Not every simulation has every fault: together they would hide each other. */
export interface MessageFaults {
  readonly requestLost: number;
  readonly replyLost: number;
  /** The request arrives, and its copy arrives again later. */
  readonly duplicated: number;
  /** Far later than the sender waits for it. */
  readonly late: number;
  /** Not sent at all, and the sender knows. */
  readonly refused: number;
}

/** How big a simulation is, and what goes wrong in it; all from the seed. */
export interface Profile {
  readonly slots: number;
  readonly processes: number;
  readonly recoverers: number;
  readonly transactions: number;
  readonly lists: number;
  /** Keys that are deleted, bumped, evicted and given a TTL. */
  readonly registers: number;
  readonly locks: number;
  /** Lists that one transaction appends to; the others that it reads are what write skew is made of. */
  readonly appendsAtMost: number;
  readonly isolation: 'serializable' | 'read-committed';
  /** The store gives a command up after this. */
  readonly commandTimeoutMs: number;
  /** Of one way of an ordinary message. */
  readonly delayMs: number;
  /** All transactions begin within this. */
  readonly spanMs: number;
  /** No clock of a slot is further off than this. */
  readonly skewMs: number;
  readonly faults: MessageFaults;
  readonly slotPauses: number;
  readonly processPauses: number;
  readonly crashes: number;
  readonly evictions: number;
  /** Slots that lose the last of what they did. */
  readonly failovers: number;
}

/** Longer than any wait for an answer, shorter than what outcomes are kept for (30 s): a store promises no more than that. */
export const LATEST_MS = 20_000;
/** A late message that meets two of these is still within those 30 s. */
export const LONGEST_SLOT_PAUSE_MS = 4_000;

/** Far more than servers with NTP are apart. */
const MAX_SKEW_MS = 2_000;

export function profileOf(dice: Dice, { losesWrites }: { readonly losesWrites: boolean }): Profile {
  const rate = (): number => (dice.chance(0.35) ? dice.pick([0.02, 0.05, 0.15, 0.3]) : 0);
  const few = (most: number): number => (dice.chance(0.4) ? dice.whole(1, most) : 0);
  const isCalm = dice.chance(0.1);
  const slots = dice.whole(2, 4);
  const delayMs = dice.pick([0.5, 4, 20]);
  return {
    slots,
    processes: dice.whole(2, 4),
    recoverers: dice.whole(1, 2),
    transactions: dice.whole(5, 9),
    lists: dice.pick([2, 2, 3, 4]),
    registers: dice.whole(0, 3),
    locks: dice.chance(0.4) ? dice.whole(1, 2) : 0,
    appendsAtMost: dice.pick([1, 3, 3]),
    isolation: dice.chance(0.8) ? 'serializable' : 'read-committed',
    commandTimeoutMs: dice.pick([150, 500, 1_500]),
    delayMs,
    spanMs: dice.pick([delayMs / 2, delayMs * 2, delayMs * 10, 1_500]),
    skewMs: dice.chance(0.7) ? MAX_SKEW_MS : 0,
    faults: isCalm
      ? { requestLost: 0, replyLost: 0, duplicated: 0, late: 0, refused: 0 }
      : { requestLost: rate(), replyLost: rate(), duplicated: rate(), late: rate(), refused: rate() },
    slotPauses: isCalm ? 0 : few(2),
    processPauses: isCalm ? 0 : few(2),
    crashes: isCalm ? 0 : few(2),
    evictions: few(3),
    failovers: losesWrites ? dice.whole(1, 2) : 0,
  };
}
