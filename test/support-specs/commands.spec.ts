import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { countCommands } from '../support/counting/command-stats.js';
import { traceCommands } from '../support/counting/command-trace.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';

describe('counting commands', () => {
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await startRedisServer();
    client = new Redis(server.url);
    await client.ping();
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  const script = "redis.call('HMGET', KEYS[1], 'a') return redis.call('PUBLISH', ARGV[1], 'hi')";

  it('command statistics count what ran in between, also inside scripts, and not the reading of the counters', async () => {
    await client.hmget('k', 'a');
    const end = await countCommands(client);
    await client.eval(script, 1, 'k', 'channel');
    await client.client('LIST');
    await client.client('LIST');
    expect(await end()).toEqual({ EVAL: 1, HMGET: 1, PUBLISH: 1, 'CLIENT LIST': 2 });
  });

  it('a trace lists what clients sent, in order, without what scripts call', async () => {
    const end = await traceCommands(client);
    await client.eval(script, 1, 'k', 'channel');
    await client.set('k2', 'v');
    expect(await end()).toEqual([
      ['EVAL', script, '1', 'k', 'channel'],
      ['SET', 'k2', 'v'],
    ]);
  });
});
