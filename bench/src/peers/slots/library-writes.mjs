import { openLibrary } from '../library.mjs';

/**
 * One call, which commits by itself: all names or none.
 *
 * @param {readonly import('./slots.mjs').Node[]} nodes
 * @returns {Promise<import('./slots.mjs').SlotWrites>}
 */
export async function open(nodes) {
  const { cache, close } = await openLibrary({ nodes });
  return {
    write: (names, value) => cache.setMany(new Map(names.map((name) => [name, value]))),
    close,
  };
}
