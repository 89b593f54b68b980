import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';
import { redisStore } from '../../src/redis/redis-store.js';
import { storeConformanceCases } from '../../src/testing/store-conformance/store-conformance.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';
import { RealTimeHarness } from './real-time-harness.js';

describe('G39: the Redis store on a standalone server', () => {
  let server: RedisServer;
  const harness = new RealTimeHarness(() => redisStore({ url: server.url }));

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterEach(() => harness.stop());

  afterAll(() => server.stop());

  it.each(storeConformanceCases())('$name', async ({ run }) => run(await harness.start()));
});
