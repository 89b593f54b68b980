/**
 * Moves one unit from an account to another: two reads, two writes, all or nothing. Every contender keeps the accounts as
 * JSON with a TTL of ten minutes, as a cache does.
 *
 * @typedef {{ owner: string, balance: number }} Account
 * @typedef {object} Transactions
 * @property {(name: string, account: Account) => Promise<unknown>} put
 * @property {(name: string) => Promise<Account>} get
 * @property {(from: string, to: string) => Promise<number>} transfer gives the attempts that it took
 * @property {() => Promise<unknown>} close
 */

export const TTL_MS = 600_000;

const FILES = /** @type {const} */ ({
  'nestjs-cache-txn': 'library-transactions.mjs',
  'Lua compare-and-set': 'script-transactions.mjs',
  'WATCH/MULTI': 'watch-transactions.mjs',
  'redlock + MULTI': 'redlock-transactions.mjs',
  'compare-and-set of each key': 'script-slot-transactions.mjs',
  'redlock + SET': 'redlock-slot-transactions.mjs',
});

/**
 * Where the accounts are: on one server, or on the nodes of a cluster.
 *
 * @typedef {{ port?: number, nodes?: readonly import('../../measure/redis-cluster.mjs').Node[] }} Where
 */

/**
 * @param {string} contender
 * @param {Where} where
 * @param {number} atOnce
 * @returns {Promise<Transactions>}
 */
export async function openTransactions(contender, where, atOnce) {
  const file = FILES[/** @type {keyof typeof FILES} */ (contender)];
  const { open } = await import(new URL(file, import.meta.url).href);
  return open(where, atOnce);
}

/**
 * The two accounts after the transfer.
 *
 * @param {Account} from
 * @param {Account} to
 * @returns {[Account, Account]}
 */
export function moved(from, to) {
  return [
    { ...from, balance: from.balance - 1 },
    { ...to, balance: to.balance + 1 },
  ];
}
