import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import { eventually } from '../support/eventually.js';
import { startRedisCluster } from '../support/servers/redis-cluster.js';

describe('a Redis Cluster of the tests', () => {
  it('serves keys of different masters', async () => {
    const cluster = await startRedisCluster();
    const client = new Cluster([...cluster.nodes]);

    // Slots 3300, 7365 and 15495: one in each third.
    for (const key of ['b', 'c', 'a']) await client.set(key, key);

    const sizes = await Promise.all(client.nodes('master').map(async (node) => node.dbsize()));
    expect(sizes).toEqual([1, 1, 1]);
    client.disconnect();
    await cluster.stop();
  });

  it('promotes a replica when its master is killed', async () => {
    const cluster = await startRedisCluster({ replicas: true });
    expect(cluster.replicas).toHaveLength(3);
    const [master, ...others] = cluster.nodes;
    const direct = new Redis({ ...master });
    await direct.set('b', 'kept');
    await direct.wait(1, 1_000);
    direct.disconnect();

    await cluster.masters[0]?.stop();

    const client = new Cluster(others);
    await eventually(async () => (await client.get('b')) === 'kept', { withinMs: 10_000 });
    client.disconnect();
    await cluster.stop();
  }, 20_000);
});
