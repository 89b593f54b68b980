import { openLibrary } from '../library.mjs';
import { MEMORY_ENTRIES } from './caches.mjs';

/**
 * With its defaults; `near` keeps entries in this process as well.
 *
 * @param {number} port
 * @param {{ near?: 'frozen' | 'cloned', reads?: 'get' }} settings
 * @returns {Promise<import('./caches.mjs').Caches>}
 */
export async function open(port, { near, reads }) {
  const options = near === undefined ? {} : { near: { maxEntries: MEMORY_ENTRIES, values: near } };
  const { cache, coordinator, close } = await openLibrary({ port, cache: options });
  return {
    getOrLoad: reads === 'get' ? (key) => cache.get(key) : (key, load) => cache.getOrLoad(key, load),
    getMany: async (keys, load) => (await cache.getOrLoadMany(keys, load)).size,
    get: (key) => cache.get(key),
    set: (key, product) => cache.set(key, product),
    remove: (key) => cache.delete(key),
    transact: (reads, write) =>
      coordinator.run(async () => {
        let sum = 0;
        for (const key of reads) sum += (await cache.get(key))?.price.amount ?? NaN;
        await cache.set(write, { sum });
      }),
    close,
  };
}
