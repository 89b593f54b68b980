import { reasonOf } from '../base/clock.js';
import { InvalidOptionsError } from '../base/errors.js';
import { heldLocks } from '../lock/held-locks.js';
import type { Lock } from '../lock/lock.js';
import { LockHandle } from '../lock/lock-handle.js';
import type { LockService } from '../lock/lock.service.js';
import type { LockGuard } from '../store/entry-operations.js';

/** The locks that a commit demands: those around the call, and those named in its options. */
export function guardingLocks(locks: LockService, named: readonly Lock[] = []): readonly LockHandle[] {
  const guarding = new Set(heldLocks().filter((lock) => lock.owner === locks));
  for (const lock of named) {
    if (!(lock instanceof LockHandle) || lock.owner !== locks) {
      throw new InvalidOptionsError('txn.locks: every lock must come from the LockService of the same module', {
        details: { names: lock.names },
      });
    }
    guarding.add(lock);
  }
  return [...guarding];
}

/**
 * The tokens that the commit script compares. A lock that is already known as lost spares the round trip.
 * @throws LockLostError `LOCK_LOST`
 */
export function guardsOf(locks: readonly LockHandle[]): LockGuard[] {
  const tokens = new Map<string, string>();
  for (const lock of locks) {
    lock.assertHeld();
    for (const { names, token } of lock.leases) for (const name of names) tokens.set(name, token);
  }
  return [...tokens].map(([name, token]) => ({ name, token }));
}

/** Calls `onLost` when any of the locks is lost; answers how to stop listening. */
export function watchLocks(locks: readonly LockHandle[], onLost: (reason: Error) => void): () => void {
  const stops = locks.map(({ signal }) => {
    const listener = (): void => {
      onLost(reasonOf(signal));
    };
    if (signal.aborted) listener();
    signal.addEventListener('abort', listener, { once: true });
    return (): void => {
      signal.removeEventListener('abort', listener);
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}
