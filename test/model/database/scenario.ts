import {
  begin,
  type Command,
  type Move,
  proceed,
  recover,
  type Result,
  type Shape,
  type State,
} from '../../../src/commit/protocol/protocol.js';
import { type EntryRules, SOUND } from './entry.js';
import type { FenceRules } from './sql.js';

/** What a transaction of a scenario does; keys by index, each with a row, and an entry in a slot of its own. */
export interface Txn {
  readonly id: string;
  /** Rows that it updates, in this order, and whose entries it writes. */
  readonly writes: readonly number[];
  /** Its writes delete the entries: the next reader fills them. */
  readonly deletes?: boolean;
  /** Keys that it reads from the cache, before anything else. */
  readonly reads?: readonly number[];
}

/** How often each thing may go wrong. */
export interface Faults {
  /** Owners and recoverers that stop for ever; a reader that does is one whose token is never used. */
  readonly crashes: number;
  /** Answers that are lost, requests that come late or never: their sender gives up waiting. */
  readonly losses: number;
  /** Requests that arrive twice. */
  readonly copies: number;
  /** Database sessions that end in the middle of their transaction. */
  readonly cuts: number;
  /** Entries that are evicted, whatever is in them. */
  readonly evictions: number;
  /** Slots, or the list of open transactions, that lose their last writes, because the replica had not got it. */
  readonly failovers: number;
}

/** Who plays the protocol: `src/commit/protocol/protocol.ts`, or something worse. */
export interface Driver {
  readonly begin: (shape: Shape) => Move;
  readonly proceed: (shape: Shape, state: State, command: Command, result: Result) => Move;
  readonly recover: (shape: Shape) => Move;
}

/** The rules that a variant of the protocol may break. */
export interface Rules extends EntryRules, FenceRules {
  /** A reader that meets an intent past its deadline asks the database, and does not presume an abort. */
  readonly passersAsk: boolean;
  /** Who voids in passing leaves a record, as everybody who settles does. */
  readonly passersRemember: boolean;
  /** What is filled was committed, and not seen inside of an open transaction. */
  readonly fillsCommittedOnly: boolean;
  /** A row is read after the token was taken. */
  readonly loadsAfterLease: boolean;
  /** After a failover the recent markers are replayed as voids. */
  readonly replaysMarkers: boolean;
  /** The replay voids the intents of what it replays, and not only the values. */
  readonly replayVoidsIntents: boolean;
  /** The replay waits for the transactions that were open when the failover was noticed. */
  readonly replayWaitsForOpen: boolean;
}

export interface Scenario {
  readonly keys: number;
  readonly txns: readonly Txn[];
  readonly faults?: Partial<Faults>;
  /** Loads under way at the same time, where no token limits them to one that counts for each key. Default 2. */
  readonly readers?: number;
  /** Readers that may be in the middle of voiding an intent that they met. Default 1. */
  readonly passers?: number;
  /** What a failover may hit: slots, and `list`. Default everything. */
  readonly failing?: readonly (number | 'list')[];
  /** How many writes a failover loses at most. Default 1. */
  readonly tail?: number;
  /** An eviction may take the list of open transactions too. */
  readonly evictsList?: boolean;
  /** Every hit has to equal the committed row at every moment. Default: where Redis loses nothing. */
  readonly isStrict?: boolean;
  readonly rules?: Partial<Rules>;
  readonly driver?: Partial<Driver>;
}

/** A scenario with everything that it leaves out. */
export interface Setting extends Required<Omit<Scenario, 'faults' | 'rules' | 'driver'>> {
  readonly faults: Faults;
  readonly rules: Rules;
  readonly driver: Driver;
}

const NO_FAULTS: Faults = { crashes: 0, losses: 0, copies: 0, cuts: 0, evictions: 0, failovers: 0 };
const RULES: Rules = {
  ...SOUND,
  fencesWait: true,
  fencesStay: true,
  passersAsk: true,
  passersRemember: true,
  fillsCommittedOnly: true,
  loadsAfterLease: true,
  replaysMarkers: true,
  replayVoidsIntents: true,
  replayWaitsForOpen: true,
};
const REAL_DRIVER: Driver = { begin, proceed, recover };

export function settingOf({ faults, rules, driver, ...scenario }: Scenario): Setting {
  const all = { ...NO_FAULTS, ...faults };
  return {
    readers: 2,
    passers: 1,
    tail: 1,
    evictsList: false,
    failing: [...Array.from({ length: scenario.keys }, (_, index) => index), 'list'],
    isStrict: all.evictions === 0 && all.failovers === 0,
    ...scenario,
    faults: all,
    rules: { ...RULES, ...rules },
    driver: { ...REAL_DRIVER, ...driver },
  };
}

export function shapeOf({ writes, reads = [] }: Txn): Shape {
  return { decider: 'database', writing: writes.length, locking: 0, reads: reads.length, voters: 0 };
}

/** What the transaction would leave in each of its entries. */
export function stagedBy({ id, deletes = false }: Txn): string | null {
  return deletes ? null : id;
}
