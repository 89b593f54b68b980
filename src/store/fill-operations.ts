/**
 * The read half of the store port (protocol section 5): a value that was loaded after a miss is published only if nothing has
 * happened to its key since the load began, so that a slow loader never brings an old value back.
 */
import type { EntryRecord, VersionStrategy } from './entry-operations.js';
import type { Intent } from './intent.js';

/** Reads a key and, where it has no value, or one that is to be replaced, asks for leave to fill it. */
export interface LeaseRequest {
  readonly key: string;
  /** Identifies the loader; the same token asks again for the same lease. */
  readonly token: string;
  /**
   * How long others leave the load to this one, counted from the arrival. What it loads must come before that is over, by the server's time. A lease ends
   * with its entry at the latest.
   */
  readonly leaseMs: number;
  /** A version whose value is to be loaded anew, as if it were missing: it stays until the fill. Any other one is a hit. */
  readonly replaces?: number;
  /** Whether a hit shall tell its times, also where the value never needs loading anew. */
  readonly withTimes?: boolean;
  /** Whether a lease that is in the way tells this process when it has ended, see {@link LeaseEnd}. */
  readonly tellsEnd?: boolean;
}

/**
 * Tells a process that a lease on which it was told `busy` has ended: its holder has filled or given it back, or the key was written. Only a hint: it may
 * be lost, late or repeated, a store may tell no more than some of those that wait for one lease, and none is told when its time is over.
 */
export interface LeaseEnd {
  readonly token: string;
}

/** When what happens to an entry by itself, in ms by the server's time. */
export interface EntryTimes {
  /** When the entry was read. */
  readonly nowMs: number;
  /** When it ends; infinity for never. */
  readonly endsAtMs: number;
  /** From when on its value should be loaded anew, see {@link FillRequest.freshMs}; infinity for never. */
  readonly staleAtMs: number;
}

export type LeaseOutcome =
  /** The times where they were asked for, and where the value has to be loaded anew some time. */
  | { readonly kind: 'hit'; readonly value: string; readonly version: number; readonly times?: EntryTimes }
  /** There is no value, or the one to be replaced, and the caller may fill it. */
  | { readonly kind: 'leased' }
  /** The same, and the holder of `token` is loading it for another `remainingMs`; nothing has happened to the key since it began. */
  | { readonly kind: 'busy'; readonly remainingMs: number; readonly token: string }
  /** A prepared write is in the way: whoever loads now must not fill. */
  | { readonly kind: 'intent'; readonly intent: Intent; readonly beside: EntryRecord };

/** Publishes a value under a lease, which ends with it. Every write of the key, prepared or committed, ends the lease too (protocol I3). */
export interface FillRequest {
  readonly key: string;
  readonly token: string;
  /** Undefined when there is none: then the lease ends, and nobody waits for it any longer. */
  readonly value: string | undefined;
  /** 0 keeps the entry for ever. */
  readonly ttlMs: number;
  /** For how long the value counts as fresh, if shorter than its TTL. A later write of any kind ends that. Default: until its end. */
  readonly freshMs?: number;
  readonly strategy: VersionStrategy;
}

export type FillOutcome =
  | { readonly kind: 'filled'; readonly version: number }
  /** There was nothing to publish, and the lease has ended. */
  | { readonly kind: 'ended' }
  /** Nothing changed: the key was written, deleted or prepared since, or the lease is over, whether or not somebody else has one. */
  | { readonly kind: 'refused' };
