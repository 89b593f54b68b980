import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { eventually } from '../../support/eventually.js';
import { sentinelStoreOptions } from '../../support/servers/redis-access.js';
import { startSentinelGroup, type SentinelGroup } from '../../support/servers/sentinel-group.js';
import { asking, committing, provesItself, put, useStores } from './stores.js';

describe('a Redis store behind sentinels', () => {
  const stores = useStores();
  let group: SentinelGroup;

  beforeAll(async () => {
    group = await startSentinelGroup();
  }, 30_000);

  afterAll(() => group.stop());

  it('works on the master they name', async () => {
    const { store, namespace } = await stores.start(sentinelStoreOptions(group));
    await provesItself(store);
    expect(await stores.client(group.master).exists(`${namespace}:e:proof`)).toBe(1);
  });

  it('S22: works on the master also when your client prefers replicas', async () => {
    const reader = new Redis({ ...sentinelStoreOptions(group).sentinel, role: 'slave', lazyConnect: true });
    const { store } = await stores.start({ client: reader });
    reader.disconnect();
    await provesItself(store);
  });

  it('G2: follows a fail-over: it works on the new master, whose fences are larger', async () => {
    const test = await stores.start({ ...sentinelStoreOptions(group), commandTimeout: 500 });
    const { store, namespace } = test;
    const heard: string[] = [];
    await store.watchEntries({
      changed: ({ key }) => heard.push(key),
      gap: () => heard.push('gap'),
      down: () => heard.push('down'),
    });
    const before = await store.acquireLocks(asking(['seat'], 'ann'));
    await store.commit(committing([put('seat', 'ann')]));
    await group.failOver();
    await group.master.stop(); // A sentinel takes ten seconds to tell an old master that it is none any more.
    const replica = stores.client(group.replica);
    await eventually(
      async () => {
        await provesItself(store);
        return (await replica.exists(`${namespace}:e:proof`)) === 1;
      },
      { what: 'the store to work on the new master', withinMs: 15_000 },
    );
    await eventually(
      async () => {
        // Again, because the gap may have come after the first one.
        await provesItself(store);
        return heard.includes('gap') && heard.lastIndexOf('proof') > heard.lastIndexOf('gap');
      },
      { what: 'the bus of the new master', withinMs: 15_000 },
    );
    expect(heard.slice(0, 2)).toEqual(['seat', 'down']);
    await store.forceReleaseLock('seat');
    const after = await store.acquireLocks(asking(['seat'], 'bob'));
    if (before.kind !== 'acquired' || after.kind !== 'acquired') throw new Error(`${before.kind}, ${after.kind}`);
    expect(after.fence).toBeGreaterThan(before.fence);
  }, 30_000);
});
