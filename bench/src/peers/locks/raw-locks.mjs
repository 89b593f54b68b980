import { createHash, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { LEASE_MS, pingAfterTurn } from './locks.mjs';

const RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
const RELEASE_SHA1 = createHash('sha1').update(RELEASE).digest('hex');

/**
 * What one writes by hand: `SET NX PX` and a script that compares and deletes. It neither waits nor renews.
 *
 * @param {number} port
 * @param {import('ioredis').RedisOptions} settings
 * @returns {Promise<import('./locks.mjs').Locks>}
 */
export async function open(port, settings) {
  const client = new Redis(port, settings);
  await client.script('LOAD', RELEASE);
  return {
    async acquire(name) {
      const key = `raw:${name}`;
      const token = randomUUID();
      const answer = await client.set(key, token, 'PX', LEASE_MS, 'NX');
      if (answer !== 'OK') throw new Error(`${name} is busy`);
      return { key, token };
    },
    async release({ key, token }) {
      return (await client.evalsha(RELEASE_SHA1, 1, key, token)) === 1;
    },
    arrived: () => pingAfterTurn(client),
    async hold() {
      throw new Error('a hand-written lock tells nobody that it is lost');
    },
    expiresInMs: (name) => client.pttl(`raw:${name}`),
    close: () => client.quit(),
  };
}
