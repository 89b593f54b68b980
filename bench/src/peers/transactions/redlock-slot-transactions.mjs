import { Cluster } from 'ioredis';
import { default as Redlock } from 'redlock';
import { moved, TTL_MS } from './transactions.mjs';

/** Short enough for a hold of two round trips; its default of 200 ms would only wait. */
const SETTINGS = { retryCount: -1, retryDelay: 2, retryJitter: 2 };

/**
 * A lock on both accounts, whose names share a slot because redlock takes them in one script; a read of both, a SET of both,
 * release: four round trips. Readers without the lock see one account without the other, and a process that dies in
 * between, or that is paused for longer than its lock lasts, leaves it so.
 *
 * @param {{ nodes: readonly import('../../measure/redis-cluster.mjs').Node[] }} where
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open({ nodes }) {
  const client = new Cluster([...nodes]);
  const redlock = new Redlock([client], SETTINGS);
  const put = (/** @type {string} */ name, /** @type {object} */ account) =>
    client.set(`locked:${name}`, JSON.stringify(account), 'PX', TTL_MS);
  const get = async (/** @type {string} */ name) => JSON.parse((await client.get(`locked:${name}`)) ?? 'null');
  return {
    put,
    get,
    async transfer(from, to) {
      const lock = await redlock.acquire([`{lock}:${from}`, `{lock}:${to}`], 10_000);
      try {
        const [left, right] = moved(...(await Promise.all([get(from), get(to)])));
        await Promise.all([put(from, left), put(to, right)]);
        return lock.attempts.length;
      } finally {
        await lock.release();
      }
    },
    close: async () => client.disconnect(),
  };
}
