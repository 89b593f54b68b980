import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import { TTL_MS } from './slots.mjs';

/** The value with the next version, as the library keeps it. */
const SCRIPT = `
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'ver', (redis.call('HGET', KEYS[1], 'ver') or 0) + 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;
const SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

/**
 * What one writes by hand: a script for each slot, all at the same time. Readers see some of them before the others, and a
 * process that dies leaves a part.
 *
 * @param {readonly import('./slots.mjs').Node[]} nodes
 * @returns {Promise<import('./slots.mjs').SlotWrites>}
 */
export async function open(nodes) {
  const client = new Cluster([...nodes]);
  // The first command finds the masters.
  await client.get('any');
  await Promise.all(client.nodes('master').map((node) => node.script('LOAD', SCRIPT)));
  return {
    write(names, value) {
      const text = JSON.stringify(value);
      return Promise.all(names.map((name) => client.evalsha(SHA1, 1, `script:${name}`, text, TTL_MS)));
    },
    close: () => client.quit(),
  };
}
