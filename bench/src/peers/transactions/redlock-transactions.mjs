import { Redis } from 'ioredis';
import { default as Redlock } from 'redlock';
import { moved, TTL_MS } from './transactions.mjs';

/** Short enough for a hold of two round trips; its default of 200 ms would only wait. */
const SETTINGS = { retryCount: -1, retryDelay: 2, retryJitter: 2 };

/**
 * A lock on both accounts, a read, and both writes in MULTI: four round trips, and no second attempt.
 *
 * @param {{ port: number }} where
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open({ port }) {
  const client = new Redis(port);
  const redlock = new Redlock([client], SETTINGS);
  return {
    async put(name, account) {
      await client.set(`locked:${name}`, JSON.stringify(account), 'PX', TTL_MS);
    },
    get: async (name) => JSON.parse((await client.get(`locked:${name}`)) ?? 'null'),
    async transfer(from, to) {
      const keys = [`locked:${from}`, `locked:${to}`];
      const lock = await redlock.acquire([`lock:${from}`, `lock:${to}`], 10_000);
      try {
        const values = await client.mget(...keys);
        const [left, right] = moved(JSON.parse(values[0] ?? ''), JSON.parse(values[1] ?? ''));
        const multi = client.multi();
        multi.set(keys[0] ?? '', JSON.stringify(left), 'PX', TTL_MS);
        multi.set(keys[1] ?? '', JSON.stringify(right), 'PX', TTL_MS);
        await multi.exec();
        return lock.attempts.length;
      } finally {
        await lock.release();
      }
    },
    close: async () => client.disconnect(),
  };
}
