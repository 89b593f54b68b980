import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * A lock library seen by the scenarios.
 *
 * @typedef {object} Locks
 * @property {(name: string) => Promise<any>} acquire waits as long as it takes; lease 10 s
 * @property {(held: any) => Promise<unknown>} release
 * @property {(name: string, waiters: number) => Promise<void>} arrived resolves when the server has seen every acquire
 * @property {(name: string, leaseMs: number, onLost: () => void) => Promise<void>} hold keeps a lock alive and says when it is lost
 * @property {(name: string) => Promise<number>} expiresInMs what the server says of the lease
 * @property {() => Promise<unknown>} close
 */

export const LEASE_MS = 10_000;

/** Longer than any scenario lets anybody wait. */
export const WAIT_MS = 60_000;

const FILES = /** @type {const} */ ({
  'nestjs-cache-txn': 'library-locks.mjs',
  raw: 'raw-locks.mjs',
  'raw, with deadlines': 'raw-locks.mjs',
  'raw, auto-pipelined': 'raw-locks.mjs',
  redlock: 'redlock-locks.mjs',
  'redlock tuned': 'redlock-locks.mjs',
  'redis-semaphore': 'semaphore-locks.mjs',
  'redis-semaphore tuned': 'semaphore-locks.mjs',
});

/** Beside the defaults; the tuned ones are the best of what was tried for a queue of 50 (see README). */
const SETTINGS = {
  'raw, with deadlines': { commandTimeout: 2_000, socketTimeout: 4_000 },
  'raw, auto-pipelined': { enableAutoPipelining: true },
  'redlock tuned': { retryDelay: 5, retryJitter: 3 },
  'redis-semaphore tuned': { retryInterval: 1 },
};

/**
 * @param {string} contender
 * @param {number} port
 * @returns {Promise<Locks>}
 */
export async function openLocks(contender, port) {
  const file = FILES[/** @type {keyof typeof FILES} */ (contender)];
  const { open } = await import(new URL(file, import.meta.url).href);
  return open(port, SETTINGS[/** @type {keyof typeof SETTINGS} */ (contender)] ?? {});
}

/**
 * For clients that send in order on one connection: an answered PING says that what was sent before has run.
 *
 * @param {import('ioredis').Redis} client
 */
export async function pingAfterTurn(client) {
  await nextTurn();
  await client.ping();
}
