/**
 * The lock half of the store port: whole operations and their expected outcomes.
 *
 * Every operation is atomic and idempotent for its token, so that a caller whose reply was lost may ask again.
 * All names of one operation live in one slot (see {@link CacheTxnStore.slotOf}).
 */

/** Takes every name, or queues at the first busy one. */
export interface AcquireRequest {
  /** 1 to 128 different names of one slot, in the order in which every process takes them. */
  readonly names: readonly string[];
  /** Identifies the caller; the same token asks again for the same acquisition. */
  readonly token: string;
  /** How long the lock is held without renewal. */
  readonly leaseMs: number;
  /** How long a lock handed over to the queued caller stays its own before it confirms (protocol: <= 2 s). */
  readonly claimMs: number;
  /** How long the place in the queue stays without another call; 0 never queues and then takes all names or none. */
  readonly queueMs: number;
  /** Waiters that one name admits; a bound on what a flood of callers can store (threat S18). */
  readonly maxWaiters: number;
}

export type AcquireOutcome =
  /** All names are the caller's. `fence` is one number for all of them, larger than any earlier one of each. */
  | { readonly kind: 'acquired'; readonly fence: number }
  /**
   * In the queue of `name`; names sorted before it are already held. Ask again after `remainingMs` at the latest.
   * `fence` is the stored fence of `name` at that moment: a hand-over with a larger one happened later.
   */
  | { readonly kind: 'queued'; readonly name: string; readonly remainingMs: number; readonly fence: number }
  /** `queueMs` was 0 and somebody else holds `name` (or is first in its queue); nothing was taken. */
  | { readonly kind: 'busy'; readonly name: string; readonly remainingMs: number }
  /** The queue of `name` has `maxWaiters` entries; nothing was taken. */
  | { readonly kind: 'full'; readonly name: string };

/** One held name to renew. */
export interface RenewRequest {
  readonly name: string;
  readonly token: string;
  readonly leaseMs: number;
  /** Raises the stored fence to at least this number, so that later holders get a larger one. Default 0: leaves it. */
  readonly fence?: number;
}

/** `unknown`: the store could not be asked, or did not answer; the lease may or may not have been extended. */
export type RenewOutcome = 'held' | 'lost' | 'unknown';

/** Gives back names and leaves queues; whoever waits first gets each freed name in the same operation. */
export interface ReleaseRequest {
  readonly names: readonly string[];
  readonly token: string;
  /**
   * Keeps the name blocked until this long after it was acquired (server time), without an owner. Default 0.
   * It is how a scheduled job that took 5 ms stays "taken" for a node whose timer runs a little later.
   */
  readonly minHoldMs?: number;
}

/** `released`: every name was still held by the token. `lost`: at least one was not. */
export type ReleaseOutcome = 'released' | 'lost';

/** A lock as the store sees it; the token is not part of it. */
export interface LockInfo {
  readonly name: string;
  /** The fence of the present holder. */
  readonly fence: number;
  /** Label of the holder's process, or `''` while `minHold` blocks the name without an owner. */
  readonly owner: string;
  readonly heldForMs: number;
  readonly expiresInMs: number;
  /** Entries in the queue, dead ones included until they are skipped. */
  readonly waiters: number;
}

/** Tells a waiter that a name was handed to it. Only a hint: it may be lost, late or repeated. */
export interface Handover {
  readonly token: string;
  readonly name: string;
  readonly fence: number;
}
