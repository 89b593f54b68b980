import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';

import { countCommands } from '../../support/counting/command-stats.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/servers/free-port.js';
import {
  clusterStoreOptions,
  sentinelStoreOptions,
  storeOptions,
  storeUrl,
} from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { startReplicatedServer, type ReplicatedServer } from '../../support/servers/replicated-server.js';
import { startSentinelGroup, type SentinelGroup } from '../../support/servers/sentinel-group.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { committing, put, useStores, type TestStore } from './stores.js';

const REPLICA = { from: 'replica' } as const;

const stores = useStores();

/** How many entries were read at each server while `operation` ran, by scripts too; what is replicated contains no read. */
async function reads(servers: readonly RedisServer[], operation: () => Promise<unknown>): Promise<number[]> {
  const clients = servers.map((server) => stores.client(server));
  const counts = await Promise.all(clients.map(countCommands));
  await operation();
  return Promise.all(counts.map(async (count) => (await count()).HMGET ?? 0));
}

/** Resolves when the replica has the value. */
async function copied(replica: RedisServer, { namespace }: { namespace: string }, key: string, value: string) {
  const client = stores.client(replica);
  const isThere = async (): Promise<boolean> => (await client.hget(`${namespace}:e:${key}`, 'v')) === value;
  await eventually(isThere, { what: `${key} at the replica` });
}

async function write({ store }: TestStore, key: string, value: string): Promise<void> {
  expect((await store.commit(committing([put(key, value)]))).kind).toBe('committed');
}

async function valueOf({ store }: TestStore, key: string): Promise<string | undefined> {
  return (await store.readEntries([key], REPLICA))[0]?.value;
}

describe('reads from the replica of one server', () => {
  let servers: ReplicatedServer;
  let master: RedisServer;
  let replica: RedisServer;

  beforeAll(async () => {
    servers = await startReplicatedServer(1);
    ({ master } = servers);
    [replica] = servers.replicas as [RedisServer];
  }, 30_000);

  afterAll(() => servers.stop());

  const start = (): Promise<TestStore> =>
    stores.start({ ...storeUrl(master), commandTimeout: 300, readReplica: { port: replica.port } });

  async function connectionsOf(server: RedisServer): Promise<number> {
    const list = String(await stores.client(server).client('LIST'));
    return list.split('\n').filter((line) => line.includes('flags=N ')).length;
  }

  it('go to the replica alone, on one connection that is opened at the first and closed with the store', async () => {
    const test = await start();
    await write(test, 'a', 'value');
    await copied(replica, test, 'a', 'value');
    const before = await connectionsOf(replica);
    expect(await reads([master, replica], () => test.store.readEntries(['a', 'b']))).toEqual([2, 0]);
    expect(await connectionsOf(replica)).toBe(before + 2); // The observers of this test.
    const taken = await reads([master, replica], async () => {
      const entries = await Promise.all([1, 2].map(() => test.store.readEntries(['b', 'a'], REPLICA)));
      expect(entries.map((each) => each.map((entry) => entry?.value))).toEqual([
        [undefined, 'value'],
        [undefined, 'value'],
      ]);
    });
    expect(taken).toEqual([0, 4]);
    expect(test.warnings).toEqual([]);
    const opened = await connectionsOf(replica);
    await test.store.stop();
    await eventually(async () => (await connectionsOf(replica)) === opened, { what: 'the connection to close' });
  });

  it('are given what the replica has while it is behind', async () => {
    const test = await start();
    await write(test, 'late', 'old');
    await copied(replica, test, 'late', 'old');
    const client = stores.client(replica);
    await client.replicaof('127.0.0.1', await freePort());
    try {
      await write(test, 'late', 'new');
      expect(await valueOf(test, 'late')).toBe('old');
      expect((await test.store.readEntries(['late']))[0]?.value).toBe('new');
    } finally {
      await client.replicaof(master.host, master.port);
    }
    await copied(replica, test, 'late', 'new');
  });

  it('go to the primary while the replica says that it has lost its master (MASTERDOWN)', async () => {
    const test = await start();
    await write(test, 'down', 'old');
    await copied(replica, test, 'down', 'old');
    const client = stores.client(replica);
    await client.config('SET', 'replica-serve-stale-data', 'no');
    await client.replicaof('127.0.0.1', await freePort());
    try {
      await write(test, 'down', 'new');
      expect(await valueOf(test, 'down')).toBe('new');
      expect(test.warnings).toEqual([expect.stringMatching(/^no replica gives .*MASTERDOWN/)]);
    } finally {
      await client.config('SET', 'replica-serve-stale-data', 'yes');
      await client.replicaof(master.host, master.port);
    }
    await copied(replica, test, 'down', 'new');
  });

  it('go to the primary while the replica is frozen, told once, and back to it when it wakes', async () => {
    const test = await start();
    await write(test, 'frozen', 'value');
    await copied(replica, test, 'frozen', 'value');
    expect(await valueOf(test, 'frozen')).toBe('value');
    replica.pause();
    try {
      await write(test, 'frozen', 'newer');
      for (let i = 0; i < 3; i += 1) expect(await valueOf(test, 'frozen')).toBe('newer');
      expect(test.warnings).toEqual([expect.stringContaining('within 150 ms')]);
    } finally {
      replica.resume();
    }
    const isBack = async (): Promise<boolean> => {
      const [, atReplica] = await reads([master, replica], () => valueOf(test, 'frozen'));
      return atReplica === 1;
    };
    await eventually(isBack, { what: 'a read at the replica' });
    expect(test.warnings).toHaveLength(1);
  });

  it('go to the primary when the replica is frozen from the beginning', async () => {
    const test = await start();
    await write(test, 'silent', 'value');
    replica.pause();
    try {
      expect(await valueOf(test, 'silent')).toBe('value');
    } finally {
      replica.resume();
    }
  });

  it('go on while the primary does not answer', async () => {
    const test = await start();
    await write(test, 'alone', 'value');
    await copied(replica, test, 'alone', 'value');
    expect(await valueOf(test, 'alone')).toBe('value');
    master.pause();
    try {
      expect(await valueOf(test, 'alone')).toBe('value');
      await expect(test.store.readEntries(['alone'])).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    } finally {
      master.resume();
    }
    await eventually(() => test.store.readEntries(['alone']), { what: 'the primary' });
  });

  it('go to the primary when the replica was killed, and to the one that takes its place', async () => {
    const mortal = await startRedisServer({ args: ['--replicaof', `${master.host} ${master.port}`] });
    const options = { ...storeOptions(master), commandTimeout: 300, retryStrategy: () => 20 };
    const test = await stores.start({ ...options, readReplica: { port: mortal.port } });
    await write(test, 'killed', 'value');
    await copied(mortal, test, 'killed', 'value');
    expect(await reads([mortal], () => valueOf(test, 'killed'))).toEqual([1]);
    await mortal.stop();
    expect(await reads([master], () => valueOf(test, 'killed'))).toEqual([1]);
    expect(await valueOf(test, 'killed')).toBe('value');
    expect(test.warnings).toHaveLength(1);
    const args = ['--replicaof', `${master.host} ${master.port}`];
    const again = await startRedisServer({ args, port: mortal.port });
    try {
      const isBack = async (): Promise<boolean> => (await reads([again], () => valueOf(test, 'killed')))[0] === 1;
      await eventually(isBack, { what: 'a read at the new replica' });
    } finally {
      await again.stop();
    }
  });

  it('go to the primary, told once, where the store knows of no replica', async () => {
    const test = await stores.start(storeOptions(master));
    await write(test, 'none', 'value');
    expect(await valueOf(test, 'none')).toBe('value');
    expect(await valueOf(test, 'none')).toBe('value');
    expect(test.warnings).toEqual([expect.stringContaining('redisStore({ readReplica })')]);
  });

  describe('of an application', () => {
    let scene: TxnScene;
    let app: TxnApp;

    beforeAll(async () => {
      scene = await TxnScene.start();
    });
    beforeEach(async () => {
      const store = redisStore({ ...storeOptions(master), readReplica: storeOptions(replica) });
      app = await scene.app({ module: { store, cache: { readFrom: 'replica' } } });
      await app.cache.set('a', 'value');
      await copied(replica, app, 'a', '"value"');
    });
    afterEach(() => scene.closeApps());
    afterAll(() => scene.stop());

    const get = (): Promise<unknown> => app.cache.get('a');

    it.each<[string, 'master' | 'replica', () => Promise<unknown>]>([
      ['outside of everything go to the replica', 'replica', get],
      ['that say primary', 'master', () => app.cache.get('a', { readFrom: 'primary' })],
      ['S22: in a transaction go to the primary', 'master', () => app.coordinator.run(get)],
      ['S22: under a lock go to the primary', 'master', () => app.locks.withLock('seat', get)],
      ['S22: in a loader go to the primary', 'master', () => app.cache.getOrLoad('made of a', get)],
    ])('%s', async (_where, server, read) => {
      const taken = await reads([master, replica], async () => {
        expect(await read()).toBe('value');
      });
      expect(taken.map((count) => count > 0)).toEqual([server === 'master', server === 'replica']);
    });

    it('G55: give no value whose tag was invalidated, also where the replica has not heard of it', async () => {
      await app.cache.set('page', 'text', { tags: ['books'] });
      const client = stores.client(replica);
      await eventually(() => app.cache.has('page'), { what: 'the page at the replica' });
      await client.replicaof('127.0.0.1', await freePort());
      try {
        expect(await app.cache.get('page')).toBe('text');
        await app.cache.invalidateTags('books');
        expect(await app.cache.get('page')).toBeUndefined();
      } finally {
        await client.replicaof(master.host, master.port);
        await servers.inStep(1);
      }
    });
  });
});

describe('reads from the replica that a sentinel names', () => {
  let group: SentinelGroup;

  beforeAll(async () => {
    group = await startSentinelGroup();
  }, 30_000);

  afterAll(() => group.stop());

  it('go there, and to the next one after a fail-over', async () => {
    const test = await stores.start({ ...sentinelStoreOptions(group), commandTimeout: 500 });
    await write(test, 'a', 'value');
    await copied(group.replica, test, 'a', 'value');
    expect(await reads([group.master, group.replica], () => valueOf(test, 'a'))).toEqual([0, 1]);
    await group.failOver();
    await group.master.stop();
    await group.restart(group.master);
    const follows = async (): Promise<boolean> => {
      await write(test, 'a', 'newer');
      return (await valueOf(test, 'a')) === 'newer';
    };
    await eventually(follows, { what: 'reads of what the new master writes', withinMs: 15_000 });
    const isBack = async (): Promise<boolean> => (await reads([group.master], () => valueOf(test, 'a')))[0] === 1;
    await eventually(isBack, { what: 'a read at the old master, which is a replica now', withinMs: 20_000 });
  }, 60_000);
});

describe('reads from the replicas of a cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: true, needs: ['readonly'] });
  }, 30_000);

  afterAll(() => cluster.stop());

  const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`);

  it('go to them alone, whatever the slot, and to whoever is there when one of them is killed', async () => {
    const test = await stores.start({ ...clusterStoreOptions(cluster), commandTimeout: 500 });
    for (const key of keys) await write(test, key, key);
    const values = async (): Promise<unknown> =>
      (await test.store.readEntries(keys, REPLICA)).map((entry) => entry?.value);
    // A node does not tell of a replica before it has heard how far that is.
    const eachByItsReplica = async (): Promise<void> => {
      const taken = await reads([...cluster.masters, ...cluster.replicas], values);
      expect(taken.slice(0, 3)).toEqual([0, 0, 0]);
      expect(taken.slice(3).every((count) => count > 0)).toBe(true);
      expect(taken.reduce((sum, count) => sum + count)).toBe(keys.length);
    };
    await eventually(eachByItsReplica, { what: 'reads at the replicas', withinMs: 15_000, everyMs: 100 });
    await eventually(async () => expect(await values()).toEqual(keys), { what: 'the replicas to have them' });

    await cluster.replicas[0]!.stop();
    expect(await values()).toEqual(keys);
    const goesOn = async (): Promise<boolean> => {
      const [, one = 0, other = 0] = await reads(cluster.replicas.with(0, cluster.masters[0]!), values);
      return one > 0 && other > 0;
    };
    await eventually(goesOn, { what: 'reads at the other replicas', withinMs: 15_000 });
    expect(await values()).toEqual(keys);
  }, 60_000);

  it('follow a fail-over of one of them', async () => {
    const test = await stores.start({ ...clusterStoreOptions(cluster), commandTimeout: 500 });
    const values = async (): Promise<unknown> =>
      (await test.store.readEntries(keys, REPLICA)).map((entry) => entry?.value);
    await values();
    await stores.client(cluster.replicas[1]!).cluster('FAILOVER');
    const written = async (): Promise<void> => {
      for (const key of keys) await write(test, key, `${key} anew`);
    };
    await eventually(written, { what: 'the new master', withinMs: 15_000 });
    await eventually(async () => expect(await values()).toEqual(keys.map((key) => `${key} anew`)), {
      what: 'all of the new values',
      withinMs: 15_000,
    });
  }, 60_000);

  it('go to the primary, told once, where no master has one', async () => {
    const lonely = await startRedisCluster({ needs: ['readonly'] });
    try {
      const test = await stores.start(clusterStoreOptions(lonely));
      await write(test, 'a', 'value');
      expect([await valueOf(test, 'a'), await valueOf(test, 'a')]).toEqual(['value', 'value']);
      expect(test.warnings).toEqual([expect.stringContaining('no master of the cluster has a replica')]);
    } finally {
      await stores.closeAll();
      await lonely.stop();
    }
  }, 30_000);
});
