import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { readFile } from 'node:fs/promises';
import { redisStore } from '../../src/redis/redis-store.js';
import { storeConformanceCases } from '../../src/testing/store-conformance/store-conformance.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { RealTimeHarness } from './real-time-harness.js';

/** The user of docs/operations.md, as documented; its namespace is also its name there. */
async function documentedUser(namespace: string): Promise<string[]> {
  const operations = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [line] = /^ACL SETUSER .*$/m.exec(operations) ?? [];
  if (line === undefined) throw new Error('docs/operations.md has no line that starts with ACL SETUSER');
  return line.replaceAll('shop', namespace).split(' ').slice(1);
}

describe('G39: the Redis store as the documented least-privilege user', () => {
  let server: RedisServer;
  let admin: Redis;
  const harness = new RealTimeHarness(() =>
    redisStore({ host: server.host, port: server.port, username: 'contract', password: 'secret' }),
  );

  beforeAll(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
    await admin.call('ACL', ...(await documentedUser('contract')));
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
    const user = new Redis({ host: server.host, port: server.port, username: 'contract', password: 'secret' });
    await expect(user.get('other:e:1')).rejects.toThrow('NOPERM');
    await admin.call('ACL', 'LOG', 'RESET');
    user.disconnect();
  });
});
