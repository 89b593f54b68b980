import { until } from '../../measure/clock.mjs';
import { openLibrary } from '../library.mjs';
import { LEASE_MS, WAIT_MS } from './locks.mjs';

/**
 * Renews, as it does by default.
 *
 * @param {number} port
 * @returns {Promise<import('./locks.mjs').Locks>}
 */
export async function open(port) {
  const { locks, close } = await openLibrary({ port, lock: { lease: LEASE_MS, wait: WAIT_MS } });
  return {
    acquire: (name) => locks.acquire(name),
    release: (held) => held.release(),
    arrived: (name, waiters) =>
      until(async () => ((await locks.inspect(name))?.waiters ?? 0) >= waiters, `${waiters} waiters of ${name}`),
    async hold(name, leaseMs, onLost) {
      const lock = await locks.acquire(name, { lease: leaseMs });
      lock.signal.addEventListener('abort', onLost, { once: true });
    },
    expiresInMs: async (name) => (await locks.inspect(name))?.expiresInMs ?? 0,
    close,
  };
}
