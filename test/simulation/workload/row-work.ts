import type { Dice } from '../engine/dice.js';
import type { DatabaseProfile } from '../database/database-profile.js';
import type { Profile } from '../world/profile.js';
import type { Names, Script } from './script.js';

/** Each takes more messages than without a database, and readers come on top: so a simulation takes about as long. */
const MOST_SCRIPTS = 5;
/** Its statements take their time before the commit begins. */
const LEAST_TIMEOUT_MS = 1_500;

/** What a transaction does in the database that decides it, beside the cache. */
export interface RowWork {
  /** What becomes of the entry of a row that it changes: the new row, or nothing. */
  readonly entry: 'put' | 'delete';
  /** Between the rows and the commit. */
  readonly thinkMs: number;
}

/** Reads keys again and again, and loads what is not cached. */
export interface LoadScript {
  readonly id: string;
  readonly process: number;
  readonly startMs: number;
  readonly keys: readonly string[];
  readonly times: number;
  readonly pauseMs: number;
}

/**
 * The same transactions where the lists are rows, which are cached: a database decides those that write them. Chance of its own, so
 * that the scripts are those of the same seed without a database.
 */
export function withRows(dice: Dice, { delayMs }: Profile, scripts: readonly Script[]): Script[] {
  return scripts.slice(0, MOST_SCRIPTS).map((script) => {
    const { appends, blind, lists } = script;
    const rows: RowWork = {
      entry: dice.chance(0.8) ? 'put' : 'delete',
      thinkMs: dice.pick([0, 0, dice.real(0, delayMs * 4), dice.real(0, 400)]),
    };
    // The row is what counts: not everybody looks into the cache before changing it.
    const isEntryRead = dice.chance(0.5);
    const isDecided = appends.length > 0 || (blind.length > 0 && dice.chance(0.5));
    if (!isDecided) return script;
    const timeoutMs = Math.max(script.timeoutMs, LEAST_TIMEOUT_MS);
    return { ...script, rows, timeoutMs, lists: isEntryRead ? lists : lists.filter((key) => !appends.includes(key)) };
  });
}

export function loadScriptsOf(
  dice: Dice,
  { processes, spanMs, delayMs }: Profile,
  { loaders }: DatabaseProfile,
  { lists }: Names,
): LoadScript[] {
  return Array.from({ length: loaders }, (_, i) => ({
    id: `l${i}`,
    process: dice.whole(0, processes - 1),
    startMs: dice.real(0, spanMs),
    keys: dice.sample(lists, dice.whole(1, 2)),
    times: dice.whole(1, 5),
    pauseMs: dice.pick([delayMs, delayMs * 10, dice.real(0, 400)]),
  }));
}
