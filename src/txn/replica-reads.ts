import { callScope, ScopeKey } from '../base/async-scope.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource } from '../version/resource-call.js';
import { innermostTransaction } from './active-transaction.js';
import { callLocks } from './lock-guards.js';

/** That others will be given what the present call makes of what it reads. */
const READS_PRIMARY = new ScopeKey<true>('reads the primary');

/** Runs `fn` as a call whose plain reads are all reads of the primary, not of copies: what comes of it is kept for others. */
export function readingPrimary<R>(fn: () => R): R {
  return callScope.run(READS_PRIMARY, true, fn);
}

/** Whether the present call may get copies of this process: not under a lock, and not in a load, whose result all processes would get. */
export function mayReadCopies(): boolean {
  return callScope.get(READS_PRIMARY) !== true && callLocks().length === 0;
}

/**
 * Whether the present call may get these keys from a replica, whose state is an old one: not in a transaction or under a lock, of
 * whatever store, whose promise is that nothing changes; not in a load, whose result is kept; and not for the resource of the call, whose
 * ETag has to be that of the last version.
 */
export function mayReadReplica(store: CacheTxnStore, keys: readonly string[]): boolean {
  if (callScope.get(READS_PRIMARY) === true) return false;
  if (innermostTransaction() !== undefined || callLocks().length > 0) return false;
  const resource = currentResource(store);
  return resource === undefined || !keys.includes(resource.key);
}
