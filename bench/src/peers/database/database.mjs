import pg from 'pg';

/**
 * One account of a PostgreSQL changes its balance, and what a cache says of it changes as well. Every contender sends the same
 * statements through a pool of the same size.
 *
 * @typedef {{ url: string, atOnce: number, port: number, nodes: readonly import('../../measure/redis-cluster.mjs').Node[] }} Where
 *   a database, a single Redis and a cluster
 *
 * @typedef {object} Changes
 * @property {(account: number, balance: number) => Promise<unknown>} change
 * @property {() => Promise<unknown>} close
 */

export const ACCOUNTS = 4_096;

/** The table that all of them change. */
export const TABLE_SQL = `
CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL, balance bigint NOT NULL);
INSERT INTO accounts SELECT n, 'user-' || n, 0 FROM generate_series(0, ${ACCOUNTS - 1}) AS n;
ANALYZE accounts;
`;

const FILES = /** @type {const} */ ({
  'the database alone': 'database-only.mjs',
  'COMMIT, then DEL': 'delete-after.mjs',
  'nestjs-cache-txn, 1 entry': 'library-changes.mjs',
  'nestjs-cache-txn, 2 entries, 1 slot': 'library-changes.mjs',
  'nestjs-cache-txn, 2 entries, 2 slots': 'library-changes.mjs',
});

export const CONTENDERS = Object.freeze(/** @type {(keyof typeof FILES)[]} */ (Object.keys(FILES)));

/**
 * @param {string} contender
 * @param {Where} where
 * @returns {Promise<Changes>}
 */
export async function openChanges(contender, where) {
  const { open } = await import(new URL(FILES[/** @type {keyof typeof FILES} */ (contender)], import.meta.url).href);
  return open(where, contender);
}

/** @param {Where} where */
export function openPool({ url, atOnce }) {
  return new pg.Pool({ connectionString: url, max: atOnce });
}

/**
 * What is done in the transaction: the row that others cache.
 *
 * @param {import('pg').PoolClient} client
 * @param {number} account
 * @param {number} balance
 */
export async function changeRow(client, account, balance) {
  const { rows } = await client.query('SELECT owner, balance FROM accounts WHERE id = $1', [account]);
  await client.query('UPDATE accounts SET balance = $2 WHERE id = $1', [account, balance]);
  return { ...rows[0], balance };
}

/**
 * BEGIN, the same work, COMMIT, as one writes it by hand.
 *
 * @param {import('pg').Pool} pool
 * @param {number} account
 * @param {number} balance
 */
export async function transaction(pool, account, balance) {
  const client = await pool.connect();
  let isBroken = true;
  try {
    await client.query('BEGIN');
    await changeRow(client, account, balance);
    await client.query('COMMIT');
    isBroken = false;
  } finally {
    client.release(isBroken);
  }
}
