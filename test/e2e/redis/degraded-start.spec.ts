import { describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/servers/free-port.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { asking, everyOperation, provesItself, useStores, type TestStore } from './stores.js';

describe("a Redis store with onUnavailable: 'degraded'", () => {
  const stores = useStores();

  async function startWithoutServer(over: { onEviction?: 'refuse' } = {}): Promise<TestStore & { port: number }> {
    const port = await freePort();
    const options = { ...storeOptions({ port }), startTimeout: 50, commandTimeout: 300, retryStrategy: () => 20 };
    return { ...(await stores.start({ ...options, onUnavailable: 'degraded', ...over })), port };
  }

  it('G40: starts without a server, warns once, and refuses every operation', async () => {
    const { store, warnings } = await startWithoutServer();
    expect(warnings).toEqual([expect.stringMatching(/ECONNREFUSED.*started degraded/)]);
    for (const [name, operation] of Object.entries(everyOperation(store))) {
      const error = await operation().then(
        () => 'it answered',
        (reason: unknown) => reason,
      );
      expect({ name, error }).toMatchObject({ name, error: { code: 'STORE_UNAVAILABLE', retryable: true } });
    }
    await expect(store.renewLocks([{ name: 'any', token: 'caller', leaseMs: 1_000 }])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });

  it('works as soon as the server is there, hand-overs included', async () => {
    const { store, port } = await startWithoutServer();
    const handed: string[] = [];
    store.onHandover(({ token, name }) => handed.push(`${token} ${name}`));
    const server = await startRedisServer({ port });
    await eventually(() => provesItself(store), { what: 'the store to work' });
    await store.acquireLocks(asking(['seat'], 'ann'));
    await store.acquireLocks(asking(['seat'], 'bob', { queueMs: 10_000 }));
    await store.releaseLocks({ names: ['seat'], token: 'ann' });
    await eventually(() => handed.length > 0, { what: 'the hand-over' });
    expect(handed).toEqual(['bob seat']);
    await server.stop();
  });

  it('stays refused by a server that fails the check, and reports that', async () => {
    const { store, port, reports } = await startWithoutServer({ onEviction: 'refuse' });
    const server: RedisServer = await startRedisServer({
      port,
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    await eventually(() => reports.some(({ during }) => during === 'degraded start'), { what: 'the report' });
    expect(reports.at(-1)).toMatchObject({ error: { code: 'INVALID_OPTIONS' } });
    await expect(store.readEntries(['any'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await server.stop();
  });

  it('can be stopped while it waits, and reports nothing more', async () => {
    const { store, reports } = await startWithoutServer();
    const before = reports.length;
    await store.stop();
    expect(reports).toHaveLength(before);
    expect(reports.filter(({ during }) => during === 'degraded start')).toEqual([]);
  });
});
