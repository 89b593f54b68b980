import type { Command, State } from '../../src/commit/protocol/protocol.js';
import type { Faults, Setting, Txn } from './scenario.js';
import { type Done, EMPTY, type Slot } from './slot.js';

/** An owner or a recoverer at work. */
export interface Actor {
  readonly state: State;
  /** The version of each slot when it read. */
  readonly expected: readonly number[];
  readonly isAlive: boolean;
  /** The lock of another slot ended before every slot had prepared: it does not decide (PREPARING_AT_MOST_MS). */
  readonly isSlow: boolean;
}

/** A request under way, or its answer: nothing is gained by telling them apart. */
export interface Message {
  readonly from: string;
  readonly command: Command;
  /** Nobody waits for it any more. */
  readonly isOrphan: boolean;
}

/** A reader that has learnt what became of a transaction, and is about to settle the intent that it met. */
export interface Passer {
  readonly txn: string;
  readonly slot: number;
  readonly isCommitted: boolean;
}

/** One state of everything. Its maps have a fixed order, so that equal states look equal. */
export interface World {
  readonly slots: readonly Slot[];
  /** What each slot was before its last write; kept only where a failover may bring it back. */
  readonly before: readonly (Slot | null)[];
  /** Null before an owner begins, and for a recoverer that is not at work. */
  readonly actors: Readonly<Record<string, Actor | null>>;
  readonly messages: readonly Message[];
  readonly passers: readonly Passer[];
  /** On the list of open transactions. */
  readonly listed: Readonly<Record<string, boolean>>;
  readonly left: Faults;
  /** What happened first to a transaction in a slot; for the invariants alone. */
  readonly fates: Readonly<Record<string, 'applied' | 'dropped' | null>>;
  readonly trouble: string | null;
}

const RECOVERER = 'recoverer of ';

export function recovererOf(txn: Txn): string {
  return RECOVERER + txn.id;
}

/** The transaction that an actor works for. */
export function txnOf({ txns }: Setting, actor: string): Txn {
  const id = actor.replace(RECOVERER, '');
  return txns.find((txn) => txn.id === id)!;
}

export function initialWorld({ slots: count, txns, faults }: Setting): World {
  const each = <T>(value: T): Record<string, T> => Object.fromEntries(txns.map(({ id }) => [id, value]));
  const slots = Array.from({ length: count }, (_, index) => {
    const holder = txns.find(({ lock }) => lock === index);
    return { ...EMPTY, records: each(null), lock: holder?.id ?? null };
  });
  return {
    slots,
    before: slots.map(() => null),
    actors: { ...each(null), ...Object.fromEntries(txns.map((txn) => [recovererOf(txn), null])) },
    messages: [],
    passers: [],
    listed: each(false),
    left: faults,
    fates: Object.fromEntries(txns.flatMap(({ id, writes }) => writes.map((slot) => [fateKey(id, slot), null]))),
    trouble: null,
  };
}

export function fateKey(txn: string, slot: number): string {
  return `${txn}@${slot}`;
}

/** A slot after something was done in it, with what that means for a transaction. */
export function changed(world: World, index: number, { slot, fate }: Omit<Done, 'isDone'>, txn: string): World {
  const next = withSlot(world, index, slot);
  if (fate === undefined) return next;
  if (fate === 'overwrote')
    return { ...next, trouble: `${txn} overwrites in ${index} what it has not read: a lost update` };
  const key = fateKey(txn, index);
  const known = world.fates[key];
  if (known === 'applied' && fate === 'applied')
    return { ...next, trouble: `${txn} becomes visible in ${index} a second time` };
  // A stray copy that is taken back later changes nothing about what happened.
  return known === null ? { ...next, fates: { ...next.fates, [key]: fate } } : next;
}

export function withSlot(world: World, index: number, slot: Slot): World {
  const old = world.slots[index]!;
  if (slot === old) return world;
  const before = world.left.failovers > 0 ? world.before.with(index, old) : world.before;
  return { ...world, slots: world.slots.with(index, slot), before };
}

export function withMessages(world: World, added: readonly Message[]): World {
  return added.length === 0 ? world : { ...world, messages: sorted([...world.messages, ...added]) };
}

/** The order of what is under way means nothing. */
export function sorted<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  const keyed = items.map((item) => [JSON.stringify(item), item] as const);
  return keyed.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}
