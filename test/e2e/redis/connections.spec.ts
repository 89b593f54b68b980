import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { eventually } from '../../support/eventually.js';
import { storeOptions, storeUrl } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { asking, provesItself, useStores } from './stores.js';

describe('a Redis store accepts', () => {
  const stores = useStores();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer({ needs: ['database', 'name'] });
  });

  afterAll(() => server.stop());

  /** Ids of the connections of a server, without that of `client` itself. */
  async function connections(client: Redis): Promise<string[]> {
    const list = String(await client.client('LIST'));
    const own = await client.client('ID');
    return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id).filter((id) => id !== String(own));
  }

  it('a URL, with database and all', async () => {
    const { store, namespace } = await stores.start(storeUrl(server, { path: '/3' }));
    await provesItself(store);
    const client = stores.client(server, { db: 3 });
    expect(await client.hget(`${namespace}:e:proof`, 'v')).toBe('value');
  });

  it('ioredis options', async () => {
    const { store } = await stores.start({ ...storeOptions(server), connectionName: 'by-options' });
    await provesItself(store);
    expect(String(await stores.client(server).client('LIST'))).toContain('name=by-options');
  });

  it('a client of yours, with its address and database', async () => {
    const client = stores.client(server, { ...storeOptions(server), db: 4 });
    const { store, namespace } = await stores.start({ client });
    await provesItself(store);
    expect(await stores.client(server, { db: 4 }).hget(`${namespace}:e:proof`, 'v')).toBe('value');
  });

  it('a client of yours, and leaves it open and as it was', async () => {
    const client = stores.client(server, storeOptions(server));
    await client.get('your:key');
    const before = {
      options: { ...client.options },
      listeners: client.eventNames().map((name) => client.listenerCount(name)),
    };
    const { store } = await stores.start({ client });
    await provesItself(store);
    await store.stop();
    const after = {
      options: { ...client.options },
      listeners: client.eventNames().map((name) => client.listenerCount(name)),
    };
    expect(after).toEqual(before);
    expect(client.status).toBe('ready');
    // A client that was made to listen could not do this.
    expect(await client.set('your:key', 'works')).toBe('OK');
  });

  it('a client of yours that answers numbers as texts', async () => {
    const client = stores.client(server, { ...storeOptions(server), stringNumbers: true });
    const { store } = await stores.start({ client });
    client.disconnect();
    await provesItself(store);
    await store.acquireLocks(asking(['taken'], 'ann'));
    expect(await store.renewLocks([{ name: 'taken', token: 'ann', leaseMs: 1_000 }])).toEqual(['held']);
    expect(await store.forceReleaseLock('taken')).toBe(true);
    expect(await store.forceReleaseLock('taken')).toBe(false);
  });

  it('nothing after it was stopped, and closes every connection it opened', async () => {
    const client = stores.client(server);
    // Connections of earlier tests may still be closing.
    await eventually(async () => (await connections(client)).length === 0, { what: 'earlier connections to close' });
    const { store } = await stores.start(storeOptions(server));
    expect(await connections(client)).toHaveLength(2);
    await store.stop();
    await store.stop();
    await eventually(async () => (await connections(client)).length === 0, { what: 'the connections to close' });
    await expect(store.readEntries(['any'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
