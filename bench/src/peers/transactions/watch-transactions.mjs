import { Redis } from 'ioredis';
import { moved, TTL_MS } from './transactions.mjs';

/**
 * WATCH and MULTI. What is watched belongs to a connection, so each transaction that runs has one of its own. WATCH and
 * the read go together, and MULTI, the writes and EXEC go together: two round trips. Tries again at once.
 *
 * @param {{ port: number }} where
 * @param {number} atOnce
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open({ port }, atOnce) {
  const pool = Array.from({ length: atOnce }, () => new Redis(port));
  const all = [...pool];
  const [first] = all;
  return {
    async put(name, account) {
      await first?.set(`watch:${name}`, JSON.stringify(account), 'PX', TTL_MS);
    },
    get: async (name) => JSON.parse((await first?.get(`watch:${name}`)) ?? 'null'),
    async transfer(from, to) {
      const client = pool.pop();
      if (client === undefined) throw new Error('more transactions at once than connections');
      const keys = [`watch:${from}`, `watch:${to}`];
      try {
        for (let attempt = 1; ; attempt += 1) {
          const [, values] = await Promise.all([client.watch(...keys), client.mget(...keys)]);
          const [left, right] = moved(JSON.parse(values[0] ?? ''), JSON.parse(values[1] ?? ''));
          const multi = client.multi();
          multi.set(keys[0] ?? '', JSON.stringify(left), 'PX', TTL_MS);
          multi.set(keys[1] ?? '', JSON.stringify(right), 'PX', TTL_MS);
          if ((await multi.exec()) !== null) return attempt;
        }
      } finally {
        pool.push(client);
      }
    },
    close: async () => {
      await Promise.all(all.map((client) => client.quit()));
    },
  };
}
