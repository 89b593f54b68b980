import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, connect, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

import { eventually } from '../../support/eventually.js';
import { redisAccess, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { startMember, type Member } from '../cluster/member.js';
import { tell } from '../cluster/failing-cluster.js';

/** A managed service: one address, and what new connections to it reach is the master of the moment. */
describe('an address whose server became a replica, on a connection that nobody closes', () => {
  let one: RedisServer;
  let other: RedisServer;
  let address: Server;
  let master: RedisServer;
  let member: Member;
  let connections = 0;

  beforeAll(async () => {
    one = await startRedisServer();
    other = await startRedisServer({ args: ['--replicaof', one.host, String(one.port)] });
    master = one;
    address = createServer((client) => {
      connections += 1;
      const server = connect(master.port, master.host);
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on('error', () => [client, server].forEach((end) => end.destroy()));
    });
    await new Promise<void>((resolve) => address.listen(0, '127.0.0.1', resolve));
    const { port } = address.address() as AddressInfo;
    member = await startMember('ann', 'moved', storeOptions({ port, access: redisAccess() }));
  });

  afterAll(async () => {
    await member.stop();
    address.close();
    await Promise.all([one, other].map((server) => server.stop()));
  });

  it('G40: the store is told STORE_UNAVAILABLE, connects anew, and works on the new master (F16)', async () => {
    const before = await member.locks.acquire('seat');
    await before.release();
    const opened = connections;
    await tell(other, 'REPLICAOF', 'NO', 'ONE');
    await tell(one, 'REPLICAOF', other.host, String(other.port));
    master = other;

    await expect(member.store.commit(write())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    const after = await eventually(() => member.locks.acquire('seat', { wait: 0 }), { what: 'a lock' });
    expect(after.fence).toBeGreaterThan(before.fence);
    await expect(after.release()).resolves.toBe('released');
    // The one for commands; the other one only listens, and a replica tells it all the same.
    expect(connections).toBe(opened + 1);
  });
});

function write(): Parameters<Member['store']['commit']>[0] {
  const put = { kind: 'put', key: 'key', value: 'value', ttlMs: 60_000, strategy: 'timestamp' } as const;
  return { txnId: 'txn', operations: [put], guards: [], outcomeTtlMs: 60_000 };
}
