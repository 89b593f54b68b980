/**
 * Writes to keys in different slots of a cluster. Every contender keeps the value as JSON with a TTL of ten minutes.
 *
 * @typedef {object} SlotWrites
 * @property {(names: readonly string[], value: object) => Promise<unknown>} write all of them
 * @property {() => Promise<unknown>} close
 *
 * @typedef {import('../../measure/redis-cluster.mjs').Node} Node
 */

export const TTL_MS = 600_000;

const FILES = /** @type {const} */ ({
  'nestjs-cache-txn': 'library-writes.mjs',
  SET: 'plain-writes.mjs',
  'a script for each slot': 'script-writes.mjs',
  'redlock + SET': 'redlock-writes.mjs',
  'two turns of nothing': 'empty-scripts.mjs',
});

/**
 * @param {string} contender
 * @param {readonly Node[]} nodes
 * @returns {Promise<SlotWrites>}
 */
export async function openWrites(contender, nodes) {
  const file = FILES[/** @type {keyof typeof FILES} */ (contender)];
  const { open } = await import(new URL(file, import.meta.url).href);
  return open(nodes);
}
