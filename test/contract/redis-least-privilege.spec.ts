import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { redisStore } from '../../src/redis/redis-store.js';
import type { RedisConnectionOptions } from '../../src/redis/redis-store.options.js';
import { storeConformanceCases } from '../../src/testing/store-conformance/store-conformance.js';
import { DOCUMENTED_PASSWORD, documentedUser } from '../support/servers/documented-user.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';
import { RealTimeHarness } from './real-time-harness.js';

describe('G39: the Redis store as the documented least-privilege user', () => {
  let server: RedisServer;
  let admin: Redis;
  const asUser = (): RedisConnectionOptions => {
    return { host: server.host, port: server.port, username: 'contract', password: DOCUMENTED_PASSWORD };
  };
  const harness = new RealTimeHarness(() => redisStore(asUser()));

  beforeAll(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
    await admin.call('ACL', 'SETUSER', ...documentedUser({ namespace: 'contract' }));
  });

  afterEach(async () => {
    await harness.stop();
    // Every refusal leaves a line: a command that the store tolerates to be denied is one nobody needs to grant.
    const refusals = await admin.call('ACL', 'LOG');
    await admin.call('ACL', 'LOG', 'RESET');
    expect(refusals).toEqual([]);
  });

  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });

  it.each(storeConformanceCases())('$name', async ({ run }) => run(await harness.start()));

  it('refuses keys of another namespace', async () => {
    const user = new Redis(asUser());
    await expect(user.get('other:e:1')).rejects.toThrow('NOPERM');
    await admin.call('ACL', 'LOG', 'RESET');
    user.disconnect();
  });
});
