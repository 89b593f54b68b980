import { Redis } from 'ioredis';
import { openPool, transaction } from './database.mjs';

/**
 * What one writes by hand: the entry is deleted when the database has committed. A process that dies in between leaves an old
 * value for as long as its TTL, and so does a reader that has loaded the row before and caches it after; no crash is needed.
 *
 * @param {import('./database.mjs').Where} where
 * @returns {Promise<import('./database.mjs').Changes>}
 */
export async function open(where) {
  const [pool, client] = [openPool(where), new Redis(where.port)];
  return {
    async change(account, balance) {
      await transaction(pool, account, balance);
      await client.del(`account:${account}`);
    },
    close: async () => {
      await client.quit();
      await pool.end();
    },
  };
}
