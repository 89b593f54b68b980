import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis, type RedisOptions } from 'ioredis';

import { InvalidOptionsError } from '../../../src/base/errors.js';
import {
  checkConnectionOptions,
  createConnections,
  isCluster,
  mastersOf,
  type Connections,
} from '../../../src/redis/connection/connection.js';
import { resolveSettings, type RedisStoreOptions } from '../../../src/redis/redis-store.options.js';

/** What the store decides about the connection that sends commands, whatever the user's options say. */
const SAFE: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: false,
  socketTimeout: 1_000,
  protocol: 2,
  failoverDetector: false,
};
/** The opposite of each, as a user's client may well have it. */
const UNSAFE = {
  lazyConnect: false,
  enableOfflineQueue: true,
  autoResendUnfulfilledCommands: true,
  maxRetriesPerRequest: 20,
  enableAutoPipelining: true,
  socketTimeout: 60_000,
  commandTimeout: 5,
  autoResubscribe: true,
  failoverDetector: true,
};

const clients: (Redis | Cluster)[] = [];

function connect(options: RedisStoreOptions): Connections {
  const connections = createConnections(options, resolveSettings({ commandTimeout: 500 }));
  clients.push(connections.commands, connections.inbox);
  return connections;
}

function lazyClient(options: Omit<RedisOptions, 'replyMapping'>): Redis {
  const client = new Redis({ port: 1, ...options, lazyConnect: true });
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

describe('the connections of a store', () => {
  it.each<[string, () => RedisStoreOptions]>([
    ['a URL', () => ({ url: 'redis://127.0.0.1:1' })],
    ['options', () => ({ host: '127.0.0.1', port: 1, ...UNSAFE })],
    ['sentinels', () => ({ sentinel: { sentinels: [{ port: 1 }], name: 'main', ...UNSAFE } })],
    ['a client', () => ({ client: lazyClient(UNSAFE) })],
  ])('from %s never send a command late or twice, and connect only when asked', (_what, options) => {
    const { commands, inbox } = connect(options());
    expect(commands.status).toBe('wait');
    expect(commands.options).toMatchObject(SAFE);
    expect(inbox.status).toBe('wait');
    expect(inbox.options).toMatchObject({ lazyConnect: true, maxRetriesPerRequest: null, protocol: 2 });
    // The store has a deadline of its own, and waits without one for messages.
    for (const { options: own } of [commands, inbox]) expect((own as RedisOptions).commandTimeout).toBeUndefined();
  });

  it.each<[string, () => RedisStoreOptions]>([
    ['nodes', () => ({ cluster: { nodes: [{ port: 1 }], options: { redisOptions: UNSAFE, scaleReads: 'slave' } } })],
    [
      'a client',
      () => {
        const client = new Cluster([{ port: 1 }], { redisOptions: UNSAFE, scaleReads: 'all', lazyConnect: true });
        clients.push(client);
        return { client };
      },
    ],
  ])('of a cluster from %s never send a command late or twice, and read from masters', (_what, options) => {
    const { commands, inbox } = connect(options());
    expect(isCluster(commands)).toBe(true);
    expect(inbox).toBe(commands);
    expect(commands.status).toBe('wait');
    const { lazyConnect: _lazy, enableOfflineQueue: _queue, ...node } = SAFE;
    expect(commands.options).toMatchObject({
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      scaleReads: 'master',
      retryDelayOnFailover: 0,
      redisOptions: node,
    });
  });

  it('keep address, credentials and the rest of the user’s options', () => {
    const given = { host: '10.0.0.1', port: 6_380, username: 'app', password: 'pw', db: 3, connectionName: 'shop' };
    expect(connect(given).commands.options).toMatchObject(given);
    expect(connect({ client: lazyClient(given) }).commands.options).toMatchObject(given);
    const { options } = connect({ url: 'redis://app:pw@10.0.0.1:6380/3' }).commands;
    expect(options).toMatchObject({ host: '10.0.0.1', port: 6_380, username: 'app', password: 'pw', db: 3 });
  });

  it('do not let a URL decide what the store decides', () => {
    for (const option of ['enableOfflineQueue', 'autoResendUnfulfilledCommands', 'commandTimeout', 'lazyConnect']) {
      const url = `redis://127.0.0.1:1/0?family=4&${option}=1`;
      expect(() => checkConnectionOptions({ url })).toThrow(InvalidOptionsError);
      expect(() => checkConnectionOptions({ url })).toThrow(option);
    }
    const harmless = { url: 'redis://127.0.0.1:1/0?family=4' };
    expect(() => checkConnectionOptions(harmless)).not.toThrow();
    expect(connect(harmless).commands.options).toMatchObject({ family: 4 });
  });

  it('G42: refuse a URL of another scheme, which ioredis takes for a path, and repeat nothing else of it', () => {
    for (const scheme of ['http', 'https', 'tcp', 'valkey']) {
      const url = `${scheme}://app:secret@cache.example:6379`;
      const refused = new RegExp(`^redisStore: the url begins with ${scheme}://; give redis://host:6379, or rediss://`);
      expect(() => checkConnectionOptions({ url })).toThrow(InvalidOptionsError);
      expect(() => checkConnectionOptions({ url })).toThrow(refused);
      expect(() => checkConnectionOptions({ url })).not.toThrow(/secret|app|example/);
    }
    for (const url of ['redis://h', 'REDISS://h', 'h:6379', '/tmp/redis.sock', '//h:6379', '6379'])
      expect(() => checkConnectionOptions({ url })).not.toThrow();
  });

  it('S22: go to the master, also where the user’s own client reads from a replica', () => {
    const options = { sentinels: [{ port: 1 }], name: 'main', role: 'slave' as const };
    expect(connect({ client: lazyClient(options) }).commands.options).toMatchObject({ role: 'master' });
    expect(connect({ sentinel: options }).commands.options).toMatchObject({ role: 'master' });
  });

  it('leave the client that was handed in as it was', () => {
    const client = lazyClient(UNSAFE);
    const before = { ...client.options };
    const { commands, inbox } = connect({ client });
    expect([commands, inbox]).not.toContain(client);
    expect(client.options).toEqual(before);
    expect(client.status).toBe('wait');
  });

  it.each([
    ['a client', () => lazyClient({ keyPrefix: 'shop:' })],
    ['a cluster client', () => new Cluster([{ port: 1 }], { redisOptions: { keyPrefix: 'shop:' }, lazyConnect: true })],
  ])('refuse %s with a keyPrefix', (_what, make) => {
    const client = make();
    clients.push(client);
    expect(() => checkConnectionOptions({ client })).toThrow(/keyPrefix "shop:".*namespace/);
  });

  it('know one master of a server, and those of a cluster', () => {
    const { commands } = connect({ port: 1 });
    expect(mastersOf(commands)).toEqual([commands]);
    expect(mastersOf(connect({ cluster: { nodes: [{ port: 1 }] } }).commands)).toEqual([]);
  });
});
