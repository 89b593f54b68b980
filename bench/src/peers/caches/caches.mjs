/**
 * A cache seen by the scenarios.
 *
 * @typedef {import('./value.mjs').Product} Product
 * @typedef {object} Caches
 * @property {(key: string, load: () => Product | Promise<Product>) => Promise<Product | undefined>} getOrLoad what the
 *   contender has for it, and a plain read where it has none
 * @property {(keys: readonly string[], load: (keys: readonly string[]) => Promise<Map<string, Product>>) => Promise<number>} getMany
 *   gives how many of them have a value; whoever has no call for many takes all at once
 * @property {(key: string) => Promise<Product | undefined>} get
 * @property {(key: string, product: Product) => Promise<unknown>} set
 * @property {(key: string) => Promise<unknown>} remove
 * @property {(reads: readonly string[], write: string) => Promise<unknown>} [transact] reads one after the other and writes, in one transaction
 * @property {() => Promise<unknown>} close
 */

export const TTL_MS = 600_000;

/** Of every cache in memory. */
export const MEMORY_ENTRIES = 10_000;

const FILES = /** @type {const} */ ({
  'nestjs-cache-txn': 'library-cache.mjs',
  'nestjs-cache-txn, get': 'library-cache.mjs',
  'nestjs-cache-txn, near, frozen': 'library-cache.mjs',
  'nestjs-cache-txn, near, cloned': 'library-cache.mjs',
  raw: 'raw-cache.mjs',
  'raw, auto-pipelined': 'raw-cache.mjs',
  Map: 'map-cache.mjs',
  bentocache: 'bento-cache.mjs',
  'bentocache, two tiers': 'bento-cache.mjs',
  'bentocache, two tiers, as it is': 'bento-cache.mjs',
  'cache-manager': 'manager-cache.mjs',
  'cache-manager, two tiers': 'manager-cache.mjs',
});

/** Beside the defaults. */
const SETTINGS = {
  'nestjs-cache-txn, get': { reads: 'get' },
  'nestjs-cache-txn, near, frozen': { near: 'frozen' },
  'nestjs-cache-txn, near, cloned': { near: 'cloned' },
  'raw, auto-pipelined': { enableAutoPipelining: true },
  'bentocache, two tiers': { tiers: 2 },
  'bentocache, two tiers, as it is': { tiers: 2, memory: { serialize: false } },
  'cache-manager, two tiers': { tiers: 2 },
};

/**
 * @param {string} contender
 * @param {number} port
 * @returns {Promise<Caches>}
 */
export async function openCaches(contender, port) {
  const file = FILES[/** @type {keyof typeof FILES} */ (contender)];
  const { open } = await import(new URL(file, import.meta.url).href);
  return open(port, SETTINGS[/** @type {keyof typeof SETTINGS} */ (contender)] ?? {});
}
