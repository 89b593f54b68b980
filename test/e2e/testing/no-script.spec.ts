import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { CacheTxnModule, redisStore, TransactionalCache } from 'nestjs-cache-txn';
import { FaultInjectingStore, noScript } from 'nestjs-cache-txn/testing';
import type { Redis } from 'ioredis';
import { countCommands } from '../../support/counting/command-stats.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = observer(server);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

describe('the fault noScript', () => {
  it('makes the server answer NOSCRIPT once, and the operation succeeds all the same', async () => {
    const store = new FaultInjectingStore(redisStore(storeOptions(server)));
    const app = await Test.createTestingModule({ imports: [CacheTxnModule.forRoot({ store })] }).compile();
    const cache = app.get(TransactionalCache);
    await cache.set('a', 1);
    store.next('commit', noScript(redis));
    const counted = await countCommands(redis);
    await cache.set('a', 2);
    await cache.set('a', 3);
    // The second commit finds the script there again.
    expect(await counted()).toMatchObject({ 'SCRIPT FLUSH': 1, EVALSHA: 2, EVAL: 1 });
    expect([await cache.get('a'), store.committedWrites.map(({ value }) => value)]).toEqual([3, [1, 2, 3]]);
    await app.close();
  });
});
