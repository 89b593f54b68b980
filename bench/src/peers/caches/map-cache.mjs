/**
 * A Map behind the same calls: what the loop and one promise for each read take.
 *
 * @returns {Promise<import('./caches.mjs').Caches>}
 */
export async function open() {
  /** @type {Map<string, any>} */
  const entries = new Map();
  return {
    async getOrLoad(key, load) {
      return entries.get(key) ?? load();
    },
    getMany: async (keys) => keys.filter((key) => entries.has(key)).length,
    get: async (key) => entries.get(key),
    set: async (key, product) => entries.set(key, product),
    remove: async (key) => entries.delete(key),
    close: async () => entries.clear(),
  };
}
