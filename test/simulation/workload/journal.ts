import type { SimProcess } from '../world/sim-process.js';
import type { EntryRecord } from '../../../src/store/entry-operations.js';

/** In place of the version, which whoever reads through the cache is not told. */
export const LOADED = 0;

/** One read of one key, whatever it was for. */
export interface KeyRead {
  readonly id: string;
  readonly key: string;
  readonly process: string;
  readonly invokedAtMs: number;
  readonly completedAtMs: number;
  readonly found: EntryRecord | undefined;
}

/** One commit that was sent. */
export interface Attempt {
  readonly id: string;
  readonly process: string;
  readonly invokedAtMs: number;
  /** When it was told; undefined where nobody was there any more to be told. */
  completedAtMs?: number;
  status: 'ok' | 'failed' | 'unknown';
  /** Of the error. */
  code?: string;
  readonly decider: 'slot' | 'database';
  readonly reads: readonly KeyRead[];
  readonly appends: readonly { readonly key: string; readonly element: string }[];
  /** Values that it alone writes, by key, appended lists included. */
  readonly puts: Map<string, string>;
  readonly deletes: readonly string[];
  readonly bumps: readonly string[];
  versions?: ReadonlyMap<string, number>;
}

/** A call that promises to settle. */
export interface Call {
  readonly what: string;
  readonly process: SimProcess;
  readonly latestMs: number;
  /** Pauses of its process before it began. */
  readonly pausesBeforeMs: number;
  settledAtMs?: number;
  /** Pauses of its process until it settled. */
  pausesMs?: number;
}

/** What the clients of a simulation write down. */
export class Journal {
  readonly reads: KeyRead[] = [];
  readonly attempts: Attempt[] = [];
  readonly calls: Call[] = [];
  /** What must not happen whatever goes wrong, such as an error of no kind that is promised. */
  readonly problems: string[] = [];
}
