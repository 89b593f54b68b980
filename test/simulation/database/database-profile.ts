import type { Dice } from '../engine/dice.js';
import type { RowIsolation } from './backend.js';

/** What a simulation with a database is like beyond what all have, and what goes wrong with its database. */
export interface DatabaseProfile {
  readonly isolation: RowIsolation;
  /** Of one way. */
  readonly delayMs: number;
  /** How likely a statement takes its connection along, before or after it has run. */
  readonly cuts: number;
  /** How likely a statement comes far later than anybody waits for it. */
  readonly late: number;
  /** How likely a COMMIT takes long to become visible. */
  readonly stalls: number;
  readonly restarts: number;
  /** Sessions that end for no reason of their own. */
  readonly kills: number;
  /** How long a question waits for an open transaction. */
  readonly askMs: number;
  /** Whether whoever sweeps looks for servers that may have lost something. */
  readonly replays: boolean;
  /** Instead of failovers: memory that is full takes prepared writes too. A replay after a failover would make up for that. */
  readonly evictsIntents: boolean;
  /** Readers that load what they miss. */
  readonly loaders: number;
}

export function databaseProfileOf(dice: Dice, losesWrites: boolean): DatabaseProfile {
  const rate = (): number => (dice.chance(0.4) ? dice.pick([0.01, 0.03, 0.1]) : 0);
  const few = (most: number): number => (dice.chance(0.3) ? dice.whole(1, most) : 0);
  return {
    isolation: dice.pick(['read committed', 'read committed', 'repeatable read', 'serializable']),
    delayMs: dice.pick([0.5, 4, 20]),
    cuts: rate(),
    late: rate(),
    stalls: dice.chance(0.3) ? dice.pick([0.1, 0.3]) : 0,
    restarts: few(1),
    kills: few(2),
    askMs: dice.pick([20, 250, 1_000]),
    replays: losesWrites || dice.chance(0.3),
    evictsIntents: losesWrites && dice.chance(0.35),
    loaders: dice.whole(1, 2),
  };
}
