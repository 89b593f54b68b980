import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { LEASE_MS, pingAfterTurn, WAIT_MS } from './locks.mjs';

/**
 * redis-semaphore's mutex, one object for each acquisition as its documentation shows. It renews at 0.8 of the lease.
 *
 * @param {number} port
 * @param {object} settings
 * @returns {Promise<import('./locks.mjs').Locks>}
 */
export async function open(port, settings) {
  const client = new Redis(port);
  return {
    async acquire(name) {
      const mutex = new Mutex(client, name, { lockTimeout: LEASE_MS, acquireTimeout: WAIT_MS, ...settings });
      await mutex.acquire();
      return mutex;
    },
    release: (held) => held.release(),
    arrived: () => pingAfterTurn(client),
    async hold(name, leaseMs, onLost) {
      await new Mutex(client, name, { lockTimeout: leaseMs, onLockLost: onLost }).acquire();
    },
    expiresInMs: (name) => client.pttl(`mutex:${name}`),
    close: async () => client.disconnect(),
  };
}
