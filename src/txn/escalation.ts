import { LockTimeoutError, ShuttingDownError } from '../base/errors.js';
import type { LockService } from '../lock/lock.service.js';
import { LIMITS } from '../store/limits.js';

/** Prefix of the lock names that only conflicting transactions take; the escalated and the plain name never meet. */
const PREFIX = 'conflict/';

/**
 * Takes locks on the keys that conflicted before, so that this attempt gets through (protocol section 4).
 *
 * They order the escalated attempts among each other. They are no condition of the commit: versions are; so losing
 * one, or not getting it in time, costs only another conflict.
 */
export async function escalate(
  locks: LockService,
  keys: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const usable = keys.map((key) => PREFIX + key).filter((name) => Buffer.byteLength(name) <= LIMITS.keyBytes);
  const names = usable.slice(0, LIMITS.lockNames);
  const lock =
    names.length === 0
      ? null
      : await locks.acquire(names, { wait: Math.round(timeoutMs / 2), signal }).catch(unlessBusy);
  return async () => {
    await lock?.release();
  };
}

/** Also not in a closing application, which takes no new locks and lets what is running finish. */
function unlessBusy(error: unknown): null {
  if (error instanceof LockTimeoutError || error instanceof ShuttingDownError) return null;
  throw error;
}
