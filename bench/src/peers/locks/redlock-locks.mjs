import { Redis } from 'ioredis';
import { default as Redlock } from 'redlock';
import { LEASE_MS, pingAfterTurn } from './locks.mjs';

/**
 * redlock with one server. `acquire` does not renew; `using`, which `hold` calls, does.
 *
 * @param {number} port
 * @param {object} settings beside an endless number of tries
 * @returns {Promise<import('./locks.mjs').Locks>}
 */
export async function open(port, settings) {
  const client = new Redis(port);
  const redlock = new Redlock([client], { retryCount: -1, ...settings });
  return {
    acquire: (name) => redlock.acquire([`redlock:${name}`], LEASE_MS),
    release: (held) => held.release(),
    arrived: () => pingAfterTurn(client),
    hold: (name, leaseMs, onLost) =>
      new Promise((resolve, reject) => {
        const routine = async (/** @type {AbortSignal} */ signal) => {
          resolve();
          await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
          onLost();
        };
        // Retries of an extension would only make it later.
        redlock.using([`redlock:${name}`], leaseMs, { retryCount: 0 }, routine).catch(reject);
      }),
    expiresInMs: (name) => client.pttl(`redlock:${name}`),
    close: async () => client.disconnect(),
  };
}
