import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import { moved, TTL_MS } from './transactions.mjs';

/** Writes a hash when it still has the version that was read. */
const SCRIPT = `
if (redis.call('HGET', KEYS[1], 'ver') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'ver', ARGV[1] + 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;
const SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

/**
 * What one writes by hand for keys in different slots: both are read at the same time, and each is written by a script that
 * compares its version. The one that was refused is read and tried again. Nothing gets lost, but readers see one account
 * without the other, and a process that dies in between leaves it so.
 *
 * @param {{ nodes: readonly import('../../measure/redis-cluster.mjs').Node[] }} where
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open({ nodes }) {
  const client = new Cluster([...nodes]);
  // The first command finds the masters.
  await client.get('any');
  await Promise.all(client.nodes('master').map((node) => node.script('LOAD', SCRIPT)));

  /** @param {string} key @param {(account: any) => object} change @returns {Promise<number>} attempts */
  async function change(key, change) {
    for (let attempt = 1; ; attempt += 1) {
      const [value, version] = await client.hmget(key, 'v', 'ver');
      const changed = JSON.stringify(change(JSON.parse(value ?? 'null')));
      if ((await client.evalsha(SHA1, 1, key, version ?? '0', changed, TTL_MS)) === 1) return attempt;
    }
  }
  return {
    async put(name, account) {
      await client.hset(`cas:${name}`, 'v', JSON.stringify(account), 'ver', 1);
    },
    get: async (name) => JSON.parse((await client.hget(`cas:${name}`, 'v')) ?? 'null'),
    async transfer(from, to) {
      const nobody = { owner: '', balance: 0 };
      const attempts = await Promise.all([
        change(`cas:${from}`, (account) => moved(account, nobody)[0]),
        change(`cas:${to}`, (account) => moved(nobody, account)[1]),
      ]);
      return Math.max(...attempts);
    },
    close: () => client.quit(),
  };
}
