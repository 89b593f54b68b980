import type { VersionStrategy } from '../../../src/store/entry-operations.js';
import type { Dice } from '../engine/dice.js';
import { nameIn } from '../world/names.js';
import type { Profile } from '../world/profile.js';
import type { RowWork } from './row-work.js';

/** A write to a register, which is not read before. */
export interface BlindWrite {
  readonly key: string;
  readonly kind: 'put' | 'delete' | 'bump';
  /** 0 is for ever. */
  readonly ttlMs: number;
}

/** What one transaction will do; chosen before anything runs, so that nothing that goes wrong changes it. */
export interface Script {
  readonly id: string;
  /** The number of its process. */
  readonly process: number;
  readonly startMs: number;
  /** `look` only reads, each key for itself; `transaction` commits what it read and writes. */
  readonly kind: 'look' | 'transaction';
  readonly lists: readonly string[];
  /** Of `lists`. */
  readonly appends: readonly string[];
  readonly registers: readonly string[];
  readonly blind: readonly BlindWrite[];
  readonly locks: readonly string[];
  readonly leaseMs: number;
  /** Between reads and commit. */
  readonly thinkMs: number;
  readonly isReadAtOnce: boolean;
  readonly timeoutMs: number;
  readonly strategy: VersionStrategy;
  /** Given where a database decides it. */
  readonly rows?: RowWork;
}

/** The names that the transactions of one simulation use. */
export interface Names {
  readonly lists: readonly string[];
  readonly registers: readonly string[];
  readonly locks: readonly string[];
}

export function namesOf(dice: Dice, { slots, lists, registers, locks }: Profile): Names {
  // Two lists in a row mostly lie in two slots: without that half of the simulations would have nothing to coordinate.
  let next = dice.whole(0, slots - 1);
  const neighbour = (): number => (dice.chance(0.25) ? next : (next = (next + 1) % slots));
  const listOf = (name: string, count: number, slot: () => number): string[] =>
    Array.from({ length: count }, (_, i) => nameIn(slot(), `${name}${i}`));
  return {
    lists: listOf('L', lists, neighbour),
    registers: listOf('r', registers, () => dice.whole(0, slots - 1)),
    locks: listOf('lock', locks, () => dice.whole(0, slots - 1)),
  };
}

export function scriptsOf(dice: Dice, profile: Profile, names: Names): Script[] {
  return Array.from({ length: profile.transactions }, (_, i) => scriptOf(`t${i}`, dice, profile, names));
}

function scriptOf(id: string, dice: Dice, profile: Profile, names: Names): Script {
  const common = {
    id,
    process: dice.whole(0, profile.processes - 1),
    startMs: dice.real(0, profile.spanMs),
    isReadAtOnce: dice.chance(0.5),
    thinkMs: dice.pick([0, 0, dice.real(0, profile.delayMs * 4), dice.real(0, 400)]),
    timeoutMs: dice.pick([200, 1_500, 5_000]),
    strategy: dice.pick(['timestamp', 'counter'] as const),
    leaseMs: dice.pick([profile.delayMs * dice.real(3, 15), 300, 2_000]),
  };
  const lists = dice.sample(names.lists, dice.pick([1, 2, 2, 2, 3]));
  const registers = dice.sample(names.registers, dice.whole(0, 1));
  if (dice.chance(0.1)) {
    return { ...common, kind: 'look', lists, registers, appends: [], blind: [], locks: [] };
  }
  const isReadOnly = dice.chance(0.1);
  const appends = isReadOnly ? [] : lists.slice(0, dice.whole(1, Math.min(lists.length, profile.appendsAtMost)));
  const blind = isReadOnly ? [] : dice.sample(names.registers, dice.whole(0, 2)).map((key) => blindWrite(key, dice));
  const locks = dice.chance(0.5) ? dice.sample(names.locks, 1) : [];
  return { ...common, kind: 'transaction', lists, registers, appends, blind, locks };
}

function blindWrite(key: string, dice: Dice): BlindWrite {
  const kind = dice.pick(['put', 'put', 'put', 'delete', 'bump'] as const);
  return { key, kind, ttlMs: dice.chance(0.3) ? Math.round(dice.scale(20, 3_000)) : 0 };
}
