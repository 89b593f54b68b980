import { Cluster } from 'ioredis';
import { TTL_MS } from './slots.mjs';

/**
 * A SET for each name, all at the same time: no versions, and readers see some of them before the others.
 *
 * @param {readonly import('./slots.mjs').Node[]} nodes
 * @returns {Promise<import('./slots.mjs').SlotWrites>}
 */
export async function open(nodes) {
  const client = new Cluster([...nodes]);
  return {
    write(names, value) {
      const text = JSON.stringify(value);
      return Promise.all(names.map((name) => client.set(`set:${name}`, text, 'PX', TTL_MS)));
    },
    close: () => client.quit(),
  };
}
