import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { startMember, type Member } from '../cluster/member.js';
import { tell } from '../cluster/failing-cluster.js';

type Command = Parameters<typeof tell> extends [unknown, ...infer Words] ? Words : never;

/** What a server answers around a failover, before it has run anything. */
describe('G40: a server that refuses', () => {
  let server: RedisServer;
  let member: Member;

  beforeAll(async () => {
    server = await startRedisServer();
    member = await startMember('ann', 'refusals', storeOptions(server));
  });

  afterAll(async () => {
    await member.stop();
    await server.stop();
  });

  it.each<[string, Command[], Command[], (member: Member) => Promise<unknown>]>([
    [
      'NOREPLICAS',
      [['CONFIG', 'SET', 'min-replicas-to-write', '1']],
      [['CONFIG', 'SET', 'min-replicas-to-write', '0']],
      ({ cache }) => cache.set('key', 'refused'),
    ],
    // Nobody listens on port 1.
    [
      'READONLY',
      [['REPLICAOF', '127.0.0.1', '1']],
      [['REPLICAOF', 'NO', 'ONE']],
      ({ locks }) => locks.tryAcquire('lock'),
    ],
    [
      'MASTERDOWN',
      [
        ['CONFIG', 'SET', 'replica-serve-stale-data', 'no'],
        ['REPLICAOF', '127.0.0.1', '1'],
      ],
      [['REPLICAOF', 'NO', 'ONE']],
      ({ cache }) => cache.get('key'),
    ],
  ])('with %s: the call did not run, and may be made again', async (reply, refuse, relent, call) => {
    const { cache, locks } = member;
    await eventually(() => cache.set('key', 'before'));
    for (const command of refuse) await tell(server, ...command);
    const message: unknown = expect.stringContaining(reply);
    await expect(call(member)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, message });
    for (const command of relent) await tell(server, ...command);
    await eventually(async () => expect(await cache.get('key')).toBe('before'));
    const lock = await eventually(() => locks.acquire('lock'));
    await expect(lock.release()).resolves.toBe('released');
  });
});
