import { type Binding, callScope, ScopeKey } from '../base/async-scope.js';
import { InvalidOptionsError } from '../base/errors.js';
import { heldLocks } from '../lock/held-locks.js';
import type { Lock } from '../lock/lock.js';
import { LockHandle } from '../lock/lock-handle.js';
import type { LockService } from '../lock/lock.service.js';
import type { LockGuard } from '../store/entry-operations.js';

/** The locks around a transaction, and whether it was aborted. */
interface Guarded {
  readonly locks: readonly LockHandle[];
  readonly ending: { readonly reason: Error | undefined };
  /** The same of the transactions around it that have locks around them. */
  readonly outer?: Guarded | undefined;
}

const AROUND_TRANSACTION = new ScopeKey<Guarded>('locks around the transaction');

/**
 * The locks around the call, of every store, which every commit in it demands.
 *
 * What still runs in a transaction that was aborted may have lost its locks: given back meanwhile, they stay a condition
 * of whatever it commits on its own.
 */
export function callLocks(): readonly LockHandle[] {
  const held = heldLocks();
  const givenBack: LockHandle[] = [];
  for (let around = callScope.get(AROUND_TRANSACTION); around; around = around.outer) {
    if (around.ending.reason) givenBack.push(...around.locks);
  }
  return givenBack.length > 0 ? [...new Set([...held, ...givenBack])] : held;
}

/** The inside of a transaction that `guarded` describes. */
export function withLocksAround({ locks, ending }: Guarded): Binding {
  const outer = callScope.get(AROUND_TRANSACTION);
  return AROUND_TRANSACTION.to(locks.length > 0 ? { locks, ending, outer } : outer);
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` when one of them was made elsewhere */
export function namedLocks(locks: LockService, named: readonly Lock[] = []): readonly LockHandle[] {
  return named.map((lock) => {
    if (lock instanceof LockHandle && lock.owner === locks) return lock;
    throw new InvalidOptionsError('txn.locks: every lock must come from the LockService of the same module', {
      details: { names: lock.names },
    });
  });
}

/**
 * The tokens that the commit script of the store of `service` compares. A lock that is already known as lost spares the
 * round trip; for one of another store, which the script cannot see, that is all that is checked.
 * @throws LockLostError `LOCK_LOST`
 */
export function guardsOf(locks: Iterable<LockHandle>, service: LockService): LockGuard[] {
  const tokens = new Map<string, string>();
  for (const lock of locks) {
    lock.assertHeld();
    if (lock.owner !== service) continue;
    for (const { names, token } of lock.leases) for (const name of names) tokens.set(name, token);
  }
  return [...tokens].map(([name, token]) => ({ name, token }));
}

/** Whether some of them are of another store, which a commit of `service`'s store cannot check. */
export function hasForeign(locks: Iterable<LockHandle>, service: LockService): boolean {
  for (const { owner } of locks) if (owner !== service) return true;
  return false;
}

/** Calls `onLost` when any of the locks is lost; answers how to stop listening. */
export function watchLocks(locks: Iterable<LockHandle>, onLost: (reason: Error) => void): () => void {
  const stops = [...locks].map((lock) => lock.onLost(onLost));
  return () => {
    for (const stop of stops) stop();
  };
}
