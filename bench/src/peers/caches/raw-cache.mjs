import { Redis } from 'ioredis';
import { TTL_MS } from './caches.mjs';

/**
 * What one writes by hand: a hash of value and version, as ours, and `HMGET` and `JSON.parse` for a hit.
 *
 * @param {number} port
 * @param {import('ioredis').RedisOptions} settings
 * @returns {Promise<import('./caches.mjs').Caches>}
 */
export async function open(port, settings) {
  const client = new Redis(port, settings);
  const name = (/** @type {string} */ key) => `raw:${key}`;
  const read = async (/** @type {string} */ key) => {
    const [value] = await client.hmget(name(key), 'v', 'ver');
    return typeof value === 'string' ? JSON.parse(value) : undefined;
  };
  const putAll = async (/** @type {readonly (readonly [string, object])[]} */ pairs) => {
    const pipeline = client.pipeline();
    for (const [key, product] of pairs)
      pipeline.hset(name(key), { v: JSON.stringify(product), ver: '1' }).pexpire(name(key), TTL_MS);
    await pipeline.exec();
  };
  const set = (/** @type {string} */ key, /** @type {object} */ product) => putAll([[key, product]]);
  return {
    async getOrLoad(key, load) {
      const found = await read(key);
      if (found !== undefined) return found;
      const loaded = await load();
      await set(key, loaded);
      return loaded;
    },
    async getMany(keys, load) {
      const pipeline = client.pipeline();
      for (const key of keys) pipeline.hmget(name(key), 'v', 'ver');
      const replies = /** @type {any[]} */ (await pipeline.exec());
      const missing = keys.filter((_, i) => typeof replies[i][1][0] !== 'string');
      const found = replies.map(([, [value]]) => typeof value === 'string' && JSON.parse(value));
      if (missing.length === 0) return found.length;
      const loaded = await load(missing);
      await putAll([...loaded]);
      return found.length - missing.length + loaded.size;
    },
    get: read,
    set,
    remove: (key) => client.del(name(key)),
    close: () => client.quit(),
  };
}
