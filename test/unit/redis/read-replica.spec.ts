import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import { createConnections } from '../../../src/redis/connection/connection.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import {
  type ReadReplicaOptions,
  type RedisStoreOptions,
  resolveSettings,
} from '../../../src/redis/redis-store.options.js';
import { replicaClient } from '../../../src/redis/replicas/read-replica.js';

const clients: (Redis | Cluster)[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** The client for reads from replicas of a store with these options. */
function replicaOf(options: RedisStoreOptions): Redis | Cluster | undefined {
  const { commands, inbox } = createConnections(options, resolveSettings({ commandTimeout: 500 }));
  const client = replicaClient(commands, options.readReplica);
  clients.push(commands, inbox, ...(client ? [client] : []));
  return client;
}

function lazyClient(): Redis {
  const client = new Redis({ port: 1, username: 'app', lazyConnect: true, enableOfflineQueue: true });
  clients.push(client);
  return client;
}

describe('the client for reads from replicas', () => {
  const SAFE = {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    socketTimeout: 1_000,
  };

  it('goes to the named replica, and has the rest of the store', () => {
    const given = { host: '10.0.0.1', port: 6_380, username: 'app', password: 'pw', db: 3 };
    const client = replicaOf({ ...given, readReplica: { host: '10.0.0.2' } });
    expect(client?.status).toBe('wait');
    expect(client?.options).toMatchObject({ ...given, host: '10.0.0.2', ...SAFE });
    const byUrl = { url: 'redis://app:pw@10.0.0.1:6380/3', readReplica: { url: 'redis://10.0.0.2:6381' } };
    expect(replicaOf(byUrl)?.options).toMatchObject({ ...given, host: '10.0.0.2', port: 6_381, ...SAFE });
    const own = {
      url: 'redis://app:pw@10.0.0.1',
      readReplica: { host: '10.0.0.2', username: 'reader', password: 'own' },
    };
    expect(replicaOf(own)?.options).toMatchObject({ host: '10.0.0.2', username: 'reader', password: 'own' });
    expect(replicaOf({ client: lazyClient(), readReplica: { port: 2 } })?.options).toMatchObject({
      port: 2,
      username: 'app',
      ...SAFE,
    });
  });

  it('is not led to the socket of the store', () => {
    const { options } = replicaOf({ path: '/tmp/redis.sock', readReplica: { host: '10.0.0.2' } }) as Redis;
    expect([options.path, options.host]).toEqual([undefined, '10.0.0.2']);
  });

  it('has what the store decides, also where a program without types says otherwise', () => {
    const readReplica = { port: 2, enableOfflineQueue: true, role: 'slave', commandTimeout: 5 } as ReadReplicaOptions;
    const { options } = replicaOf({ port: 1, readReplica }) as Redis;
    expect(options).toMatchObject(SAFE);
    expect([options.role, options.commandTimeout]).toEqual(['master', undefined]);
  });

  it('asks the sentinels, or the cluster, for replicas', () => {
    const sentinel = { sentinels: [{ port: 1 }], name: 'main' };
    expect(replicaOf({ sentinel })?.options).toMatchObject({ ...sentinel, role: 'slave', ...SAFE });
    const cluster = replicaOf({ cluster: { nodes: [{ port: 1 }] } });
    expect(cluster).toBeInstanceOf(Cluster);
    expect(cluster?.status).toBe('wait');
    const { lazyConnect: _lazy, enableOfflineQueue: _queue, ...node } = SAFE;
    expect(cluster?.options).toMatchObject({
      scaleReads: 'slave',
      slotsRefreshInterval: 5_000,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryDelayOnFailover: 0,
      redisOptions: node,
    });
  });

  it('is none where nobody knows of a replica', () => {
    expect(replicaOf({ port: 1 })).toBeUndefined();
  });
});

describe('readReplica', () => {
  it.each<[string, string, object]>([
    ['no object', 'takes an object', { readReplica: 'redis://h' }],
    ['null', 'takes an object', { readReplica: null }],
    ['no place', 'has to say where the replica is', { readReplica: { username: 'reader' } }],
    ['an empty URL', 'readReplica.url is empty', { readReplica: { url: '' } }],
    ['a URL that is not set', 'readReplica.url is undefined', { readReplica: { url: undefined } }],
    ['a URL of another scheme', 'begins with http://', { readReplica: { url: 'http://h' } }],
    ['a URL with an option of the store', 'commandTimeout', { readReplica: { url: 'redis://h?commandTimeout=1' } }],
    ['sentinels', 'takes no sentinels', { readReplica: { port: 1, sentinels: [] } }],
    ['a cluster', 'name their replicas themselves', { cluster: { nodes: [] }, readReplica: { port: 1 } }],
    ['a Sentinel group', 'name their replicas themselves', { sentinel: { name: 'm' }, readReplica: { port: 1 } }],
  ])('is refused with %s', (_what, message, options) => {
    const make = (): unknown => redisStore(options);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(make).toThrow(message);
  });

  it('is refused with a cluster client, and taken with a client of one server', () => {
    const cluster = new Cluster([{ port: 1 }], { lazyConnect: true });
    clients.push(cluster);
    expect(() => redisStore({ client: cluster, readReplica: { port: 2 } })).toThrow('name their replicas themselves');
    expect(() => redisStore({ client: lazyClient(), readReplica: { port: 2 } })).not.toThrow();
  });
});
