import {
  begin,
  type Command,
  type Move,
  proceed,
  recover,
  type Result,
  type Shape,
  type State,
} from '../../src/commit/protocol/protocol.js';
import { type SlotRules, SOUND } from './slot.js';

/** What a transaction of a scenario does; slots by index, each with one entry. */
export interface Txn {
  readonly id: string;
  /** Slots whose entry it reads and writes; the first decides. */
  readonly writes: readonly number[];
  /** It writes without having read: nothing is expected of what it replaces. */
  readonly isBlind?: boolean;
  /** Slots whose entry it only reads. */
  readonly reads?: readonly number[];
  /** The slot of a lock that it holds. */
  readonly lock?: number;
}

/** How often each thing may go wrong. */
export interface Faults {
  /** Owners and recoverers that stop for ever. */
  readonly crashes: number;
  /** Answers that are lost, requests that come late or never: their sender gives up waiting. */
  readonly losses: number;
  /** Requests that arrive twice. */
  readonly copies: number;
  /** Entries that are evicted; with their intents only where `evictsIntents`. */
  readonly evictions: number;
  /** Slots that lose their last write, because its replica had not got it. */
  readonly failovers: number;
}

/** The driver of the protocol, which a variant may replace by a worse one. */
export interface Driver {
  readonly begin: (shape: Shape) => Move;
  readonly proceed: (shape: Shape, state: State, command: Command, result: Result) => Move;
  readonly recover: (shape: Shape) => Move;
}

export interface Scenario {
  readonly slots: number;
  readonly txns: readonly Txn[];
  readonly faults?: Partial<Faults>;
  /** Readers that may be in the middle of settling an intent that they met. Default 1. */
  readonly passers?: number;
  /** The slots that a failover may hit. Default all. */
  readonly failing?: readonly number[];
  /** The server may evict anything (`allkeys-*`), also intents. */
  readonly evictsIntents?: boolean;
  readonly rules?: Partial<SlotRules>;
  readonly driver?: Partial<Driver>;
  /** Past the deadline of an intent a reader takes it for aborted, and asks nobody. */
  readonly readersPresume?: boolean;
}

/** A scenario with everything that it leaves out. */
export interface Setting extends Required<Omit<Scenario, 'faults' | 'rules' | 'driver'>> {
  readonly faults: Faults;
  readonly rules: SlotRules;
  readonly driver: Driver;
}

const NO_FAULTS: Faults = { crashes: 0, losses: 0, copies: 0, evictions: 0, failovers: 0 };
const REAL_DRIVER: Driver = { begin, proceed, recover };

export function settingOf({ faults, rules, driver, ...scenario }: Scenario): Setting {
  return {
    passers: 1,
    failing: Array.from({ length: scenario.slots }, (_, index) => index),
    evictsIntents: false,
    readersPresume: false,
    ...scenario,
    faults: { ...NO_FAULTS, ...faults },
    rules: { ...SOUND, ...rules },
    driver: { ...REAL_DRIVER, ...driver },
  };
}

export function shapeOf({ writes, reads = [], lock }: Txn): Shape {
  return {
    decider: 'slot',
    writing: writes.length,
    locking: lock === undefined ? 0 : 1,
    reads: reads.length,
    voters: 0,
  };
}
