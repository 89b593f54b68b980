import { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { LOOPBACK } from '../../measure/own-server.mjs';
import { TTL_MS } from './caches.mjs';

/**
 * cache-manager with @keyv/redis, and, of two tiers, with a Keyv in memory before it. Nothing tells the memory of other processes.
 *
 * @param {number} port
 * @param {{ tiers?: number }} settings
 * @returns {Promise<import('./caches.mjs').Caches>}
 */
export async function open(port, { tiers = 1 }) {
  const redis = createKeyv(`redis://${LOOPBACK}:${port}`, { namespace: 'manager' });
  const cache = createCache({ stores: tiers === 1 ? [redis] : [new Keyv(), redis], ttl: TTL_MS });
  return {
    getOrLoad: (key, load) => cache.wrap(key, load),
    async getMany(keys, load) {
      const values = await cache.mget([...keys]);
      const missing = keys.filter((_, i) => values[i] === undefined);
      if (missing.length === 0) return values.length;
      const loaded = await load(missing);
      await cache.mset([...loaded].map(([key, value]) => ({ key, value })));
      return values.length - missing.length + loaded.size;
    },
    get: (key) => cache.get(key),
    set: (key, product) => cache.set(key, product),
    remove: (key) => cache.del(key),
    close: () => cache.disconnect(),
  };
}
