import { openPool, transaction } from './database.mjs';

/**
 * Without any cache.
 *
 * @param {import('./database.mjs').Where} where
 * @returns {Promise<import('./database.mjs').Changes>}
 */
export async function open(where) {
  const pool = openPool(where);
  return { change: (account, balance) => transaction(pool, account, balance), close: () => pool.end() };
}
