import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { redisStore } from 'nestjs-cache-txn';
import { once } from 'node:events';
import { eventually } from '../../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../../support/proxy/fault-proxy.js';
import { EntryBus } from '../../../src/redis/bus/entry-bus.js';
import { CommandRunner } from '../../../src/redis/commands/command-runner.js';
import { Inbox } from '../../../src/redis/connection/inbox.js';
import { KeySpace } from '../../../src/store/key-space.js';
import { sentinelStoreOptions, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { startSentinelGroup } from '../../support/servers/sentinel-group.js';
import { silentSink } from '../../support/silent-sink.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { committing, put, useStores } from './stores.js';

const near = { ttl: '1h' } as const;
const loadNothing = (): string => {
  throw new Error('nobody should load');
};

let server: RedisServer;
let proxy: FaultProxy;
const stores = useStores();
beforeAll(async () => {
  server = await startRedisServer({ needs: ['tracking'] });
  proxy = await startFaultProxy(server.port);
});
afterEach(() => proxy.heal());
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const options = () => ({ ...storeOptions(server), retryStrategy: () => 10, tracking: true });

describe('near copies of an application whose store tracks', () => {
  let scene: TxnScene;
  let app: TxnApp;
  beforeAll(async () => {
    scene = await TxnScene.start();
  });
  beforeEach(async () => {
    app = await scene.app({ module: { store: redisStore(options()), namespace: 'tracked', cache: { near } } });
  });
  afterEach(() => scene.closeApps());
  afterAll(() => scene.stop());

  /** A copy that is given without the server: it stays when the server's entry changes behind everybody's back. */
  async function copied(key: string): Promise<void> {
    await app.cache.set(key, 'before');
    await eventually(
      async () => {
        await app.cache.get(key);
        const before = await calls('hmget');
        expect(await app.cache.get(key)).toBe('before');
        return (await calls('hmget')) === before;
      },
      { what: `a copy of ${key}` },
    );
  }

  async function calls(command: string): Promise<number> {
    const stats = await stores.client(server).info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  const gone = async (key: string): Promise<void> => {
    await eventually(async () => (await app.cache.get(key)) === undefined, { what: `the copy of ${key} is gone` });
  };

  it.each(['plain', 'with,comma', 'ünïcode', '{tag}:x'])(
    'go when a client without the library deletes %j',
    async (key) => {
      await copied(key);
      await copied('other');
      await stores.client(server).del(`tracked:e:${key}`);
      await gone(key);
      expect(await app.cache.getOrLoad('other', loadNothing)).toBe('before');
    },
  );

  it('are none, and the log says so once, where the server refuses it to the user', async () => {
    const username = 'tracks-nothing';
    const redis = stores.client(server);
    await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '&*', '+@all', '-client|tracking');
    const store = redisStore({ ...options(), username, password: 'secret' });
    const { cache, log } = await scene.app({ module: { store, cache: { near } } });
    const refusals = (): readonly string[] => log.filter((line) => /CLIENT TRACKING.*NOPERM/s.test(line));
    const tries = async (): Promise<number> => {
      const { rejected } =
        /cmdstat_client\|tracking:.*rejected_calls=(?<rejected>\d+)/.exec(await redis.info('commandstats'))?.groups ??
        {};
      return Number(rejected ?? 0);
    };
    await eventually(async () => (await tries()) >= 3, { what: 'it has tried again and again' });
    expect(refusals()).toHaveLength(1);
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
  });

  it('go when it changes a field, expires the entry, or flushes the server', async () => {
    const client = stores.client(server);
    await copied('changed');
    const stored = String(await client.hget('tracked:e:changed', 'v'));
    await client.hset('tracked:e:changed', 'v', stored.replace('before', 'behind'), 'ver', 7);
    await eventually(async () => (await app.cache.get('changed')) === 'behind', { what: 'the new value' });
    await copied('expired');
    await client.pexpire('tracked:e:expired', 1);
    await gone('expired');
    await copied('flushed');
    await client.flushall();
    await gone('flushed');
  });
});

describe('the entry bus of a store that tracks', () => {
  async function watching(over = {}): Promise<{ heard: string[]; unwatch: () => void; write: () => Promise<unknown> }> {
    const { store } = await stores.start({ ...options(), ...over }, 'bus');
    const heard: string[] = [];
    const unwatch = await store.watchEntries({
      changed: ({ key, version }) => heard.push(`${key} ${Number.isFinite(version) ? 'version' : 'none'}`),
      gap: () => heard.push('gap'),
      down: () => heard.push('down'),
    });
    return { heard, unwatch, write: () => store.commit(committing([put('mine', 'x')])) };
  }
  const trackers = async (): Promise<string[]> =>
    String(await stores.client(server).client('LIST'))
      .split('\n')
      .filter((line) => /flags=\S*B/.test(line));

  it('tells of foreign writes, of its own twice, and of a flush', async () => {
    const { heard, write } = await watching();
    const client = stores.client(server);
    await client.hset('bus:e:theirs', 'v', 1);
    await eventually(() => heard.includes('theirs none'));
    await client.set('elsewhere:e:theirs', 1);
    await write();
    await eventually(() => heard.length >= 3);
    expect(heard.splice(0).sort()).toEqual(['mine none', 'mine version', 'theirs none']);
    await client.flushall();
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['gap']);
  });

  it('is down while its connection is cut, and tells of a gap when it is told again', async () => {
    const { heard } = await watching();
    const [line = ''] = await trackers();
    await stores.client(server).call('CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(line)![1]!);
    await eventually(() => heard.length >= 2, { what: heard.join() });
    expect(heard.splice(0)).toEqual(['down', 'gap']);
    await stores.client(server).del('bus:e:mine');
    await stores.client(server).hset('bus:e:after', 'v', 1);
    await eventually(() => heard.includes('after none'));
  });

  /** A bus that tracks over the connection, and what its watcher hears. */
  async function trackingOver(tracking: Redis): Promise<{ heard: string[]; unwatch: () => void }> {
    const [connection, commands] = [stores.client(server), stores.client(server)];
    await commands.ping();
    const inbox = new Inbox(connection, 'silent:in:test', silentSink);
    const runner = new CommandRunner(commands, 1_000);
    const bus = new EntryBus(runner, inbox, connection, new KeySpace('silent'), silentSink, () => tracking);
    const heard: string[] = [];
    const note = (word: string) => () => heard.push(word);
    const unwatch = await bus.add({ changed: note('changed'), gap: note('gap'), down: note('down') });
    return { heard, unwatch };
  }
  const quiet = { protocol: 2, autoResubscribe: false, lazyConnect: true, retryStrategy: () => 10 } as const;

  it('asks again when its connection breaks between its first questions', async () => {
    const tracking = stores.client(server, quiet);
    const subscribe = tracking.subscribe.bind(tracking);
    let breaks = 1;
    tracking.subscribe = async (...channels: unknown[]) => {
      if (breaks-- > 0) {
        const back = once(tracking, 'ready');
        tracking.disconnect(true);
        await back;
      }
      return subscribe(...(channels as string[]));
    };
    const { heard, unwatch } = await trackingOver(tracking);
    await eventually(() => heard.includes('gap'), { what: `the end of ${heard.join()}` });
    await stores.client(server).hset('silent:e:theirs', 'v', 1);
    await eventually(() => heard.includes('changed'), { what: heard.join() });
    unwatch();
  });

  it('notices that this connection alone is silently dead', async () => {
    const { heard, unwatch } = await trackingOver(stores.client({ port: proxy.port }, quiet));
    proxy.silence();
    await eventually(() => heard.length > 0, { withinMs: 10_000 });
    await proxy.heal();
    await eventually(() => heard.length > 1, { withinMs: 10_000 });
    expect(heard).toEqual(['down', 'gap']);
    unwatch();
  });

  it('tells of foreign writes to the master that sentinels name', async () => {
    const group = await startSentinelGroup({ needs: ['tracking'] });
    try {
      const { store, namespace } = await stores.start({ ...sentinelStoreOptions(group), tracking: true });
      const heard: string[] = [];
      const note = (word: string) => () => heard.push(word);
      await store.watchEntries({ changed: ({ key }) => heard.push(key), gap: note('gap'), down: note('down') });
      await stores.client(group.master).hset(`${namespace}:e:theirs`, 'v', 1);
      await eventually(() => heard.includes('theirs'), { what: heard.join() });
    } finally {
      await stores.closeAll();
      await group.stop();
    }
  });

  it('tracks only while somebody watches', async () => {
    const { unwatch } = await watching();
    expect(await trackers()).toHaveLength(1);
    unwatch();
    await eventually(async () => (await trackers()).length === 0);
  });
});
