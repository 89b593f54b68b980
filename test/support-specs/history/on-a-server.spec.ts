import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { guardedWriteProblems } from '../../support/history/guarded-writes.js';
import { FencedRegister } from '../../support/history/fenced-register.js';
import { serverRemains } from '../../support/history/server-remains.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

describe('a fenced register', () => {
  it('refuses a smaller fence, and logs every write in its own order', async () => {
    const register = new FencedRegister(server.port, 'r1');
    const fences = [5, 5, 4, 1_700_000_000_000_001, 1_700_000_000_000_000];
    const accepted: boolean[] = [];
    for (const [i, fence] of fences.entries()) accepted.push(await register.write(fence, `op ${i}`));
    expect(accepted).toEqual([true, true, false, true, false]);
    const history = await register.history();
    expect(history).toMatchObject(
      fences.map((fence, i) => ({ resource: 'r1', seq: i, fence, op: `op ${i}`, isAccepted: accepted[i] })),
    );
    expect(guardedWriteProblems(history)).toEqual([]);
    register.close();
  });
});

describe('what is left on a server', () => {
  it('is nothing when only entries, fences and records with a TTL are there', async () => {
    await redis.hset('clean:e:k', { v: '1', ver: '5' });
    await redis.hset('clean:l:seat', { f: '5' });
    await redis.pexpire('clean:l:seat', 86_400_000);
    await redis.set('clean:d:{clean:e:k}:t1', '5', 'PX', 30_000);
    expect(await serverRemains(redis, 'clean')).toEqual([]);
  });

  it('is every holder, queue, intent, eternal record and strange key', async () => {
    await redis.hset('bad:e:k', { i: 'txn' });
    await redis.hset('bad:l:seat', { f: '5', t: 'token', q: '1' });
    await redis.set('bad:d:{x}:t1', '5');
    await redis.set('bad:d:{x}:t2', 'aborted', 'PX', 7_200_000);
    await redis.set('bad:strange', '1');
    const remains = await serverRemains(redis, 'bad');
    expect(remains.map((what) => what.replace(/ of \d+ ms$/, ' too long'))).toEqual([
      'outcome record bad:d:{x}:t1 with a TTL of -1 ms',
      'outcome record bad:d:{x}:t2 with a TTL too long',
      'an intent in bad:e:k',
      'field t of lock bad:l:seat',
      'field q of lock bad:l:seat',
      'lock bad:l:seat without a TTL',
      'key bad:strange',
    ]);
  });
});
