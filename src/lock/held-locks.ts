import { callScope, ScopeKey } from '../base/async-scope.js';
import { inSection } from '../base/section.js';
import type { Lease } from './lease.js';
import type { LockHandle, LockOwner } from './lock-handle.js';

/** The locks of the present call, outermost first. */
const HELD_LOCKS = new ScopeKey<readonly LockHandle[]>('held locks');

/** Locks that `withLock` and `@Locked` hold around the present call and that are still held. */
export function heldLocks(): readonly LockHandle[] {
  return (callScope.get(HELD_LOCKS) ?? []).filter((lock) => !lock.isReleased);
}

/** The innermost lock around the present call, of one store or of any. */
export function currentLock(storeName?: string): LockHandle | undefined {
  return heldLocks().findLast(({ owner }) => storeName === undefined || owner.storeName === storeName);
}

/** Runs `fn` with `lock` as the innermost lock of its call. */
export function withHeldLock<R>(lock: LockHandle, fn: () => R): R {
  return callScope.run(HELD_LOCKS, [...heldLocks(), lock], () => inSection(fn));
}

/**
 * The live lease of the present call that covers `name` in the store that `owner` stands for. Also one whose lock was
 * released: it lives on for work that outlived its transaction, and that work must not wait for itself.
 */
export function leaseOf(name: string, owner: LockOwner): Lease | undefined {
  for (const lock of callScope.get(HELD_LOCKS) ?? []) {
    if (lock.owner !== owner) continue;
    const lease = lock.leases.find((candidate) => candidate.names.includes(name));
    if (lease?.isHeld()) return lease;
  }
  return undefined;
}
