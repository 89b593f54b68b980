import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { LOOPBACK } from '../../measure/own-server.mjs';
import { MEMORY_ENTRIES, TTL_MS } from './caches.mjs';

/**
 * bentocache with Redis only, or, of two tiers, with its memory before it and its bus between the processes.
 *
 * @param {number} port
 * @param {{ tiers?: number, memory?: object }} settings
 * @returns {Promise<import('./caches.mjs').Caches>}
 */
export async function open(port, { tiers = 1, memory = {} }) {
  const connection = { host: LOOPBACK, port };
  const redis = redisDriver({ connection, prefix: 'bento' });
  const store =
    tiers === 1
      ? bentostore().useL2Layer(redis)
      : bentostore()
          .useL1Layer(memoryDriver({ maxItems: MEMORY_ENTRIES, ...memory }))
          .useL2Layer(redis)
          .useBus(redisBusDriver({ connection }));
  const bento = new BentoCache({ default: 'cache', ttl: TTL_MS, stores: { cache: store } });
  return {
    getOrLoad: (key, load) => bento.getOrSet({ key, factory: load }),
    async getMany(keys, load) {
      const one = (/** @type {string} */ key) =>
        bento.getOrSet({ key, factory: async () => (await load([key])).get(key) });
      return (await Promise.all(keys.map(one))).filter((value) => value !== undefined).length;
    },
    get: (key) => bento.get({ key }),
    set: (key, product) => bento.set({ key, value: product }),
    remove: (key) => bento.delete({ key }),
    close: () => bento.disconnectAll(),
  };
}
