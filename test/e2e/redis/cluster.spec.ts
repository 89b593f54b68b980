import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { asking, committing, everyOperation, LONG_MS, provesItself, put, useStores, type TestStore } from './stores.js';

describe('a Redis store on a cluster', () => {
  const stores = useStores();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);

  afterAll(() => cluster.stop());

  const start = (): Promise<TestStore> => stores.start(clusterStoreOptions(cluster));

  /** One name on each master, so that an operation on all of them needs three calls. */
  function oneNamePerMaster({ store }: TestStore, kind: 'lock' | 'entry'): string[] {
    const masterOf = (name: string): number => Math.floor((store.slotOf(kind, name) * 3) / 16_384);
    const candidates = Array.from({ length: 100 }, (_, index) => `${kind}-${index}`);
    return [0, 1, 2].map((master) => candidates.find((name) => masterOf(name) === master)!);
  }

  it('the slot of a key is what the cluster says, and a hash tag puts entry and lock in one', async () => {
    const { store, namespace } = await start();
    const client = stores.client(cluster.masters[0]!);
    for (const name of ['plain', '{tag}:seat:1', 'a{tag}b']) {
      expect(store.slotOf('lock', name)).toBe(await client.cluster('KEYSLOT', `${namespace}:l:${name}`));
      expect(store.slotOf('entry', name)).toBe(await client.cluster('KEYSLOT', `${namespace}:e:${name}`));
    }
    expect(store.slotOf('lock', '{tag}:seat:1')).toBe(hashSlot('tag'));
    expect(store.slotOf('entry', 'a{tag}b')).toBe(hashSlot('tag'));
  });

  it('takes locks, commits under them and reads, all in one slot', async () => {
    const { store } = await start();
    await provesItself(store, '{order-7}:seat:1');
  });

  it('G8: renews names of every master in one call of the store, and lists the locks of all of them', async () => {
    const test = await start();
    const names = oneNamePerMaster(test, 'lock');
    for (const name of names) await test.store.acquireLocks(asking([name], 'ann'));
    const requests = [...names, 'nobody-holds-this'].map((name) => ({ name, token: 'ann', leaseMs: 2 * LONG_MS }));
    expect(await test.store.renewLocks(requests)).toEqual(['held', 'held', 'held', 'lost']);
    const listed: string[] = [];
    for await (const { name, expiresInMs } of test.store.listLocks('lock-*')) {
      expect(expiresInMs).toBeGreaterThan(LONG_MS);
      listed.push(name);
    }
    expect(listed.sort()).toEqual([...names].sort());
  });

  it('reads entries of every master, in order', async () => {
    const test = await start();
    const keys = oneNamePerMaster(test, 'entry');
    for (const key of keys) await test.store.commit(committing([put(key, key)]));
    const entries = await test.store.readEntries([...keys, 'absent', ...keys]);
    expect(entries.map((entry) => entry?.value)).toEqual([...keys, undefined, ...keys]);
  });

  it('G14: names or keys of several slots in one operation are refused, and nothing is written', async () => {
    const test = await start();
    const [names, keys] = [oneNamePerMaster(test, 'lock'), oneNamePerMaster(test, 'entry')];
    const commit = test.store.commit(committing(keys.map((key) => put(key, 'value'))));
    await expect(commit).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) });
    await expect(test.store.acquireLocks(asking(names, 'ann'))).rejects.toMatchObject({
      code: expect.stringMatching(/^STORE_/),
    });
    expect(await test.store.readEntries(keys)).toEqual([undefined, undefined, undefined]);
    for (const name of names) expect(await test.store.inspectLock(name)).toBeNull();
  });

  it('accepts a cluster client of yours, and leaves it open', async () => {
    const { nodes, options } = clusterStoreOptions(cluster).cluster;
    const client = new Cluster(nodes, options);
    try {
      const { store, namespace } = await stores.start({ client });
      await provesItself(store, '{proof}');
      await store.stop();
      expect(client.status).toBe('ready');
      expect(await client.set(`${namespace}:still`, 'works')).toBe('OK');
    } finally {
      client.disconnect();
    }
  });

  it('G5: hands over between processes whose subscriptions sit on different nodes, also after these were cut', async () => {
    const ann = await start();
    const bob = await stores.start(clusterStoreOptions(cluster), ann.namespace);
    const handed: string[] = [];
    bob.store.onHandover(({ name }) => handed.push(name));
    const handOver = async (name: string): Promise<void> => {
      await ann.store.acquireLocks(asking([name], 'ann'));
      await bob.store.acquireLocks(asking([name], 'bob', { queueMs: LONG_MS }));
      await ann.store.releaseLocks({ names: [name], token: 'ann' });
    };
    await handOver('before');
    await eventually(() => handed.includes('before'), { what: 'the hand-over' });
    for (const master of cluster.masters) await stores.client(master).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    let tries = 0;
    await eventually(
      async () => {
        await handOver(`after-${(tries += 1)}`);
        return handed.some((name) => name.startsWith('after'));
      },
      { what: 'a hand-over after the cut' },
    );
  });

  it('G40: with a master that is frozen settles every call in time, and answers for the other masters', async () => {
    const own = await startRedisCluster();
    try {
      const test = await stores.start({ ...clusterStoreOptions(own), commandTimeout: 300 });
      const names = oneNamePerMaster(test, 'lock');
      for (const name of names) await test.store.acquireLocks(asking([name], 'ann'));
      own.masters[0]!.pause();
      const startedAtMs = performance.now();
      const requests = names.map((name) => ({ name, token: 'ann', leaseMs: LONG_MS }));
      expect(await test.store.renewLocks(requests)).toEqual(['unknown', 'held', 'held']);
      const calls = Object.values(everyOperation(test.store, names[0])).map((operation) => operation());
      const settled = await Promise.allSettled(calls);
      for (const call of settled) {
        if (call.status === 'rejected') expect(call.reason).toMatchObject({ code: expect.stringMatching(/^STORE_/) });
      }
      expect(performance.now() - startedAtMs).toBeLessThan(5_000);
      own.masters[0]!.resume();
      await eventually(() => provesItself(test.store, `{${names[0]}}`), {
        what: 'the master to be back',
        withinMs: 15_000,
      });
    } finally {
      await own.stop();
    }
  }, 40_000);
});
