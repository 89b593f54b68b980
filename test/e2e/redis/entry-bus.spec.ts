import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { EntryBus } from '../../../src/redis/bus/entry-bus.js';
import { CommandRunner } from '../../../src/redis/commands/command-runner.js';
import { Inbox } from '../../../src/redis/connection/inbox.js';
import type { EntryListener } from '../../../src/store/entry-changes.js';
import { KeySpace } from '../../../src/store/key-space.js';
import type { CacheTxnStore, Unsubscribe } from '../../../src/store/store.js';
import { eventually } from '../../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../../support/proxy/fault-proxy.js';
import { clusterStoreOptions, storeOptions, redisAccess } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { silentSink } from '../../support/silent-sink.js';
import { committing, put, useStores, type TestStore } from './stores.js';
import { startSwitch } from './switch.js';

/** Silence is noticed after three seconds and a beat; what follows takes a reconnection and a beat. */
const SILENT_WITHIN_MS = 10_000;

/** The proxy tells connections apart by what they say, which TLS would hide. */
const access = redisAccess() === 'tls' ? 'plain' : redisAccess();

/** What a watcher of a store hears, one word for each call: a key, `gap` or `down`. */
async function watching(
  store: Pick<CacheTxnStore, 'watchEntries'>,
  over: Partial<EntryListener> = {},
): Promise<{ heard: string[]; unwatch: Unsubscribe }> {
  const heard: string[] = [];
  const unwatch = await store.watchEntries({
    changed: ({ key }) => heard.push(key),
    gap: () => heard.push('gap'),
    down: () => heard.push('down'),
    ...over,
  });
  return { heard, unwatch };
}

const write = (store: CacheTxnStore, key: string): Promise<unknown> => store.commit(committing([put(key, 'value')]));

/** Waits for these words, and for no others before. */
async function expectHeard(heard: string[], words: readonly string[], withinMs = 5_000): Promise<void> {
  await eventually(() => heard.length >= words.length, { what: `${words.join()} after ${heard.join()}`, withinMs });
  expect(heard.splice(0)).toEqual(words);
}

describe('the entry bus of a Redis store', () => {
  const stores = useStores();
  let server: RedisServer;
  let proxy: FaultProxy;

  beforeAll(async () => {
    server = await startRedisServer({ access });
    proxy = await startFaultProxy(server.port);
  });

  afterEach(() => proxy.heal());

  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  const start = (over = {}, namespace?: string): Promise<TestStore> =>
    stores.start({ ...storeOptions(server), retryStrategy: () => 10, ...over }, namespace);
  const behindProxy = (over = {}): Promise<TestStore> => start({ port: proxy.port, commandTimeout: 500, ...over });
  const killSubscribers = async (): Promise<unknown> => stores.client(server).call('CLIENT', 'KILL', 'TYPE', 'pubsub');

  it('tells of writes by other processes of the namespace, and of no other namespace', async () => {
    const [mine, foreign] = [await start(), await start()];
    const other = await start({}, mine.namespace);
    const { heard } = await watching(mine.store);
    await write(foreign.store, 'foreign');
    await write(other.store, 'theirs');
    await write(mine.store, 'own');
    await expectHeard(heard, ['theirs', 'own']);
  });

  it('whose connection is cut says down, and gap when it listens again', async () => {
    const test = await start();
    const { heard } = await watching(test.store);
    for (let cut = 1; cut <= 3; cut += 1) {
      await killSubscribers();
      await expectHeard(heard, ['down', 'gap']);
      await write(test.store, `after ${cut}`);
      await expectHeard(heard, [`after ${cut}`]);
    }
  });

  it('says gap only when nothing can be missed any more', async () => {
    const test = await start();
    const writer = await start({}, test.namespace);
    const { heard } = await watching(test.store, { gap: () => void write(writer.store, 'at the gap') });
    await killSubscribers();
    await expectHeard(heard, ['down', 'at the gap']);
  });

  it('F29: whose connection stays open and carries nothing says down, and gap over another connection', async () => {
    const test = await behindProxy();
    const { heard } = await watching(test.store);
    await write(test.store, 'before');
    await expectHeard(heard, ['before']);
    const opened = proxy.openedCount;
    proxy.silence('subscribers');
    await expectHeard(heard, ['down', 'gap'], SILENT_WITHIN_MS);
    expect(proxy.openedCount).toBe(opened + 1);
    await write(test.store, 'after');
    await expectHeard(heard, ['after']);
    expect(test.reports.filter(({ during }) => during === 'entry bus')).toHaveLength(1);
  }, 30_000);

  it('F29: whose process cannot reach the server to ask says down, though its connection is there, until it can', async () => {
    const test = await behindProxy();
    const { heard } = await watching(test.store);
    const opened = proxy.openedCount;
    await proxy.refuse();
    proxy.cut('others');
    await expectHeard(heard, ['down'], SILENT_WITHIN_MS);
    await proxy.accept();
    await expectHeard(heard, ['gap'], SILENT_WITHIN_MS);
    // The listening connection was never at fault: the other one alone is new.
    expect(proxy.openedCount).toBe(opened + 1);
  }, 30_000);

  it('F29: behind a proxy that swallows everything, new connections too, is down until it ends', async () => {
    const test = await behindProxy();
    const { heard } = await watching(test.store);
    proxy.silence();
    await expectHeard(heard, ['down'], SILENT_WITHIN_MS);
    await proxy.heal();
    await expectHeard(heard, ['gap'], SILENT_WITHIN_MS);
  }, 40_000);

  it('F29: of a frozen server is down until it goes on', async () => {
    const test = await start({ commandTimeout: 500 });
    const { heard } = await watching(test.store);
    server.pause();
    await expectHeard(heard, ['down'], SILENT_WITHIN_MS);
    server.resume();
    await expectHeard(heard, ['gap'], SILENT_WITHIN_MS);
    await write(test.store, 'after');
    await expectHeard(heard, ['after']);
  }, 30_000);

  it('whose commands come back says down and gap: they may go to another server now', async () => {
    const test = await behindProxy();
    const { heard } = await watching(test.store);
    const opened = proxy.openedCount;
    proxy.cut('others');
    await expectHeard(heard, ['down', 'gap']);
    expect(proxy.openedCount).toBe(opened + 1);
  });

  it('whose commands go to another server follows them there', async () => {
    const next = await startRedisServer({ access });
    const way = await startSwitch(server.port);
    try {
      const test = await start({ port: way.port });
      const { heard } = await watching(test.store);
      way.lead(next.port);
      await stores.client(server).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await expectHeard(heard, ['down', 'gap'], SILENT_WITHIN_MS);
      await write(test.store, 'there');
      await expectHeard(heard, ['there']);
    } finally {
      await way.close();
      await next.stop();
    }
  }, 30_000);

  it('is one subscription for all watchers, with one beat; none is left after the last', async () => {
    const [test, mark] = [await start(), await start()];
    const watches = await Promise.all([1, 2, 3].map(() => watching(test.store)));
    const client = stores.client(server);
    expect(await client.pubsub('NUMSUB', `${test.namespace}:in:e`)).toEqual([`${test.namespace}:in:e`, 1]);

    const beats: string[] = [];
    client.on('pmessage', (_pattern, channel: string) => beats.push(channel.split(':')[0] ?? ''));
    await client.psubscribe('e2e-*:in:*:beat');
    await watching(mark.store);
    const beatsOf = (namespace: string): number => beats.filter((each) => each === namespace).length;
    const twoBeats = async (): Promise<void> => {
      const before = beatsOf(mark.namespace);
      await eventually(() => beatsOf(mark.namespace) >= before + 3, { what: 'three beats' });
    };
    await twoBeats();
    expect(beatsOf(test.namespace)).toBeGreaterThanOrEqual(2);
    expect(beatsOf(test.namespace)).toBeLessThanOrEqual(4);

    for (const { unwatch } of watches) unwatch();
    beats.splice(0);
    await twoBeats();
    expect(beatsOf(test.namespace)).toBe(0);
    let gaps = 0;
    test.store.onHandoverGap(() => (gaps += 1));
    await stores.client(server).call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
    await eventually(() => gaps === 1, { what: 'the gap' });
    expect(await stores.client(server).pubsub('NUMSUB', `${test.namespace}:in:e`)).toMatchObject({ 1: 0 });
    for (const { heard } of watches) expect(heard).toEqual([]);
  }, 20_000);

  it('reports a listener that throws, and calls the others all the same', async () => {
    const test = await start();
    const fail = (): never => {
      throw new Error('listener');
    };
    await watching(test.store, { changed: fail, gap: fail, down: fail });
    const { heard } = await watching(test.store);
    await write(test.store, 'key');
    await killSubscribers();
    await expectHeard(heard, ['key', 'down', 'gap']);
    expect(test.reports.filter(({ during }) => during === 'entry listener').map(({ error }) => String(error))).toEqual(
      Array(3).fill('Error: listener'),
    );
  });

  it('F29: that misses one beat between two others says down and gap, because messages may be missing as well', async () => {
    const connection = stores.client(server);
    let beats = 0;
    let losesNext = false;
    let heardBefore = -1;
    class LossyInbox extends Inbox {
      override listen(channel: string, listener: (message: string) => void): Promise<() => void> {
        return super.listen(channel, (message) => {
          if (!channel.endsWith(':beat') || !losesNext) listener(message);
          else heardBefore = heard.length;
          if (channel.endsWith(':beat')) [beats, losesNext] = [beats + 1, false];
        });
      }
    }
    const inbox = new LossyInbox(connection, 'lossy:in:test', silentSink);
    const bus = new EntryBus(
      new CommandRunner(stores.client(server), 500),
      inbox,
      connection,
      new KeySpace('lossy'),
      silentSink,
    );
    const { heard, unwatch } = await watching({ watchEntries: (listener: EntryListener) => bus.add(listener) });
    // It begins anew when its commands are connected.
    await eventually(() => beats >= 3, { withinMs: SILENT_WITHIN_MS, what: 'the bus is calm' });
    losesNext = true;
    await eventually(() => heardBefore >= 0 && heard.length >= heardBefore + 2, {
      withinMs: SILENT_WITHIN_MS,
      what: 'the lost beat is noticed',
    });
    expect(heard.slice(heardBefore, heardBefore + 2)).toEqual(['down', 'gap']);
    unwatch();
  });

  it('tells who watches while it is down that it is, and of the gap', async () => {
    const test = await behindProxy();
    const first = await watching(test.store);
    proxy.silence();
    await expectHeard(first.heard, ['down'], SILENT_WITHIN_MS);
    const second = await watching(test.store);
    expect(second.heard).toEqual(['down']);
    await proxy.heal();
    await expectHeard(second.heard, ['down', 'gap'], SILENT_WITHIN_MS);
  }, 30_000);

  it('takes a message that it cannot read for a gap, and reports it', async () => {
    const test = await start();
    const { heard } = await watching(test.store);
    await stores.client(server).publish(`${test.namespace}:in:e`, '{"of":"a later version"}');
    await expectHeard(heard, ['gap']);
    expect(test.reports).toHaveLength(1);
  });

  it('refuses a watch that the server refuses, and works when it is allowed again', async () => {
    const client = stores.client(server);
    await client.acl('SETUSER', 'watcher', 'on', '>pw', '~*', '&*', '+@all');
    const test = await start({ username: 'watcher', password: 'pw' });
    await client.acl('SETUSER', 'watcher', '-subscribe');
    await expect(watching(test.store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await client.acl('SETUSER', 'watcher', '+subscribe');
    const { heard } = await watching(test.store);
    await write(test.store, 'key');
    await expectHeard(heard, ['key']);
  });

  it('ends with the store, and says nothing of it', async () => {
    const test = await start();
    const { heard } = await watching(test.store);
    await test.store.stop();
    const client = stores.client(server);
    await eventually(async () => expect(await client.pubsub('CHANNELS', `${test.namespace}:*`)).toEqual([]));
    expect([heard, test.reports]).toEqual([[], []]);
  });
});

describe('the entry bus of a Redis store on a cluster', () => {
  const stores = useStores();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);

  afterAll(() => cluster.stop());

  /** In the slots of the three masters. */
  function keyOnEachMaster(store: CacheTxnStore): string[] {
    const masterOf = (key: string): number => Math.floor((store.slotOf('entry', key) * 3) / 16_384);
    const candidates = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    return [0, 1, 2].map((master) => candidates.find((key) => masterOf(key) === master)!);
  }

  async function expectAllHeard(store: CacheTxnStore, heard: string[]): Promise<void> {
    const keys = keyOnEachMaster(store);
    for (const key of keys) await write(store, key);
    await eventually(() => heard.length >= 3, { what: 'three changes' });
    expect(heard.splice(0).sort()).toEqual([...keys].sort());
  }

  it('tells of writes on every master, also in processes that listen at different nodes', async () => {
    const test = await stores.start(clusterStoreOptions(cluster));
    const others = await Promise.all([1, 2, 3].map(() => stores.start(clusterStoreOptions(cluster), test.namespace)));
    const watches = await Promise.all(others.map(({ store }) => watching(store)));
    const keys = keyOnEachMaster(test.store);
    for (const key of keys) await write(test.store, key);
    for (const { heard } of watches) {
      await eventually(() => heard.length >= 3, { what: 'three changes' });
      expect([...heard].sort()).toEqual([...keys].sort());
    }
  });

  it('whose connection is cut says down, and gap when each master is heard again', async () => {
    const test = await stores.start(clusterStoreOptions(cluster));
    const { heard } = await watching(test.store);
    for (let cut = 1; cut <= 3; cut += 1) {
      for (const master of cluster.masters) await stores.client(master).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await expectHeard(heard, ['down', 'gap'], SILENT_WITHIN_MS);
      await expectAllHeard(test.store, heard);
    }
  }, 40_000);

  it('F29: with a master that is frozen is down until it goes on', async () => {
    const own = await startRedisCluster();
    try {
      const test = await stores.start({ ...clusterStoreOptions(own), commandTimeout: 300 });
      const { heard } = await watching(test.store);
      await expectAllHeard(test.store, heard);
      own.masters[1]!.pause();
      await eventually(() => heard.at(-1) === 'down', { what: 'down', withinMs: SILENT_WITHIN_MS });
      own.masters[1]!.resume();
      await eventually(() => heard.at(-1) === 'gap', { what: 'the gap', withinMs: 20_000 });
      heard.splice(0);
      await eventually(() => write(test.store, keyOnEachMaster(test.store)[1]!), { what: 'the master' });
      await eventually(() => heard.includes(keyOnEachMaster(test.store)[1]!), { what: 'the change' });
    } finally {
      await own.stop();
    }
  }, 60_000);
});
