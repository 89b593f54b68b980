import { pgTransactional } from 'nestjs-cache-txn/pg';
import { namesOverMasters } from '../../measure/redis-cluster.mjs';
import { openLibrary } from '../library.mjs';
import { ACCOUNTS, changeRow, openPool } from './database.mjs';

/**
 * The row and its entries become visible together, or not at all.
 *
 * @param {import('./database.mjs').Where} where
 * @param {string} contender says how many entries, and in how many slots
 * @returns {Promise<import('./database.mjs').Changes>}
 */
export async function open(where, contender) {
  const [pool, isCluster] = [openPool(where), contender.endsWith('2 slots')];
  const entries = contender.includes('2 entries') ? 2 : 1;
  const db = pgTransactional(pool, { createTable: true });
  const server = isCluster ? { nodes: where.nodes } : { port: where.port };
  const { cache, close } = await openLibrary({ ...server, txn: { database: db } });
  const names = namesOf(isCluster);
  return {
    change: (account, balance) =>
      db.transaction(async (client) => {
        const row = await changeRow(client, account, balance);
        const some = Array.from({ length: entries }, (_, i) => names[account * 2 + i] ?? '');
        await cache.setMany(new Map(some.map((name) => [name, row])));
      }),
    close: async () => {
      await close();
      await pool.end();
    },
  };
}

/** Two for each account, on a cluster in two slots of two masters. @param {boolean} isCluster */
function namesOf(isCluster) {
  if (!isCluster) return Array.from({ length: ACCOUNTS * 2 }, (_, i) => `account:${i}`);
  const tags = namesOverMasters(999, 'account');
  return Array.from({ length: ACCOUNTS * 2 }, (_, i) => `${tags[i % tags.length]}:${i}`);
}
