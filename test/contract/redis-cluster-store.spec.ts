import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';
import { redisStore } from '../../src/redis/redis-store.js';
import { storeConformanceCases } from '../../src/testing/store-conformance/store-conformance.js';
import { startRedisCluster, type RedisCluster } from '../support/servers/redis-cluster.js';
import { RealTimeHarness } from './real-time-harness.js';

describe('G39: the Redis store on a cluster of three masters', () => {
  let cluster: RedisCluster;
  const harness = new RealTimeHarness(() => redisStore({ cluster: { nodes: [...cluster.nodes] } }));

  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);

  afterEach(() => harness.stop());

  afterAll(() => cluster.stop());

  it.each(storeConformanceCases())('$name', async ({ run }) => run(await harness.start()));
});
