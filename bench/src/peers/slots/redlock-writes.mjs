import { Cluster } from 'ioredis';
import { default as Redlock } from 'redlock';
import { TTL_MS } from './slots.mjs';

/**
 * Locks on all names, a SET for each, release: three round trips. Whoever reads without the lock sees some of them before the
 * others, and a process that dies leaves a part. redlock takes its names in one script, so they share a slot.
 *
 * @param {readonly import('./slots.mjs').Node[]} nodes
 * @returns {Promise<import('./slots.mjs').SlotWrites>}
 */
export async function open(nodes) {
  const client = new Cluster([...nodes]);
  const redlock = new Redlock([client], { retryCount: -1, retryDelay: 2, retryJitter: 2 });
  return {
    async write(names, value) {
      const text = JSON.stringify(value);
      const lock = await redlock.acquire(
        names.map((name) => `{lock}:${name}`),
        10_000,
      );
      await Promise.all(names.map((name) => client.set(`locked:${name}`, text, 'PX', TTL_MS)));
      await lock.release();
    },
    close: async () => client.disconnect(),
  };
}
