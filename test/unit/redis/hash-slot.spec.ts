import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';

describe('hashSlot', () => {
  // The first two stand in the Redis Cluster specification and documentation.
  it.each([
    ['123456789', 12_739],
    ['foo', 12_182],
    ['', 0],
  ])('of %j is %i', (key, slot) => {
    expect(hashSlot(key)).toBe(slot);
  });

  it.each([
    ['{user1000}.following', 'user1000'],
    ['a{user1000}b{other}', 'user1000'],
    ['foo{{bar}}zap', '{bar'],
    ['}x{tag}', 'tag'],
  ])('of %j is decided by %j', (key, decisive) => {
    expect(hashSlot(key)).toBe(hashSlot(decisive));
  });

  describe('compared with a server', () => {
    let server: RedisServer;
    let client: Redis;

    beforeAll(async () => {
      server = await startRedisServer({ args: ['--cluster-enabled', 'yes'] });
      client = new Redis(server.url);
    });

    afterAll(async () => {
      client.disconnect();
      await server.stop();
    });

    it('is what CLUSTER KEYSLOT answers, for any text and any braces', async () => {
      const anyKey = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text.isWellFormed());
      const braces = fc.string({ unit: fc.constantFrom('{', '}', 'a', 'b', 'ü', '💺'), maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(anyKey, braces), { minLength: 1, maxLength: 20 }), async (keys) => {
          const slots = await Promise.all(keys.map((key) => client.cluster('KEYSLOT', key)));
          expect(keys.map(hashSlot)).toEqual(slots);
        }),
        { numRuns: 50 },
      );
    });
  });
});
