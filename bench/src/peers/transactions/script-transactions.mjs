import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { moved, TTL_MS } from './transactions.mjs';

/** Writes both hashes when both still have the version that was read. */
const SCRIPT = `
if (redis.call('HGET', KEYS[1], 'ver') or '0') ~= ARGV[1] or (redis.call('HGET', KEYS[2], 'ver') or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[3], 'ver', ARGV[1] + 1)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[2], 'v', ARGV[4], 'ver', ARGV[2] + 1)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
`;
const SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

/**
 * What one writes by hand: values and versions in one pipeline, then a script. Tries again at once.
 *
 * @param {{ port: number }} where
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open({ port }) {
  const client = new Redis(port);
  await client.script('LOAD', SCRIPT);
  return {
    async put(name, account) {
      await client.hset(`cas:${name}`, 'v', JSON.stringify(account), 'ver', 1);
    },
    get: async (name) => JSON.parse((await client.hget(`cas:${name}`, 'v')) ?? 'null'),
    async transfer(from, to) {
      const keys = [`cas:${from}`, `cas:${to}`];
      for (let attempt = 1; ; attempt += 1) {
        const pipeline = client.pipeline();
        for (const key of keys) pipeline.hmget(key, 'v', 'ver');
        const replies = (await pipeline.exec()) ?? [];
        const [[a, aVersion], [b, bVersion]] = /** @type {any} */ (replies.map(([, reply]) => reply));
        const [left, right] = moved(JSON.parse(a), JSON.parse(b));
        const args = [aVersion, bVersion, JSON.stringify(left), JSON.stringify(right), TTL_MS];
        if ((await client.evalsha(SHA1, 2, ...keys, ...args)) === 1) return attempt;
      }
    },
    close: () => client.quit(),
  };
}
