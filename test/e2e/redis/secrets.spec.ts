import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';

import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/servers/free-port.js';
import { storeOptions, storeUrl } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { asking, committing, put, useStores, type TestStore } from './stores.js';

const PASSWORD = 'planted-password';
const TOKEN = 'planted-token';
const VALUE = 'planted-value';

/** Everything a logger could print of an error: also hidden fields, causes, and what JSON makes of it. */
function printed(error: unknown): string {
  const texts = [inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity })];
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    texts.push(inner.message, String(inner.stack), JSON.stringify(inner, Object.getOwnPropertyNames(inner)));
  }
  return texts.join('\n');
}

describe('G42: errors and log lines of a Redis store carry no value, no token and no password', () => {
  const stores = useStores();

  /** Whatever fails when all operations that carry a secret are tried. */
  async function failures({ store }: TestStore): Promise<unknown[]> {
    const request = committing([put('bad', VALUE)], { guards: [{ name: 'bad', token: TOKEN }] });
    const calls = [
      store.acquireLocks(asking(['bad'], TOKEN)),
      store.releaseLocks({ names: ['bad'], token: TOKEN }),
      store.commit(request),
      store.commit(committing([put('bad', VALUE)])),
      store.resolveCommit(request),
      store.readEntries(['bad']),
      store.readEntries(['bad', 'good']),
    ];
    const settled = await Promise.allSettled(calls);
    return settled.filter((call) => call.status === 'rejected').map((call): unknown => call.reason);
  }

  function expectNoSecret({ reports, warnings }: TestStore, errors: readonly unknown[]): void {
    const texts = [...errors, ...reports.map(({ error }) => error)].map(printed).concat(warnings);
    for (const text of texts) expect(text).not.toMatch(/planted/);
  }

  it('when keys hold foreign data', async () => {
    const server = await startRedisServer();
    const store = await stores.start(storeOptions(server), 'shop');
    const client = stores.client(server);
    for (const key of ['shop:l:bad', 'shop:e:bad']) await client.set(key, VALUE);
    const errors = await failures(store);
    expect(errors.length).toBeGreaterThanOrEqual(6);
    expectNoSecret(store, errors);
    await server.stop();
  });

  it('when the server is full, and when it does not know the command', async () => {
    const server = await startRedisServer();
    const client = stores.client(server);
    const store = await stores.start(storeOptions(server));
    await client.config('SET', 'maxmemory', 1);
    expectNoSecret(store, await failures(store));

    const renamed = await startRedisServer({
      args: ['--rename-command', 'EVALSHA', '', '--rename-command', 'HMGET', ''],
    });
    const without = await stores.start(storeOptions(renamed));
    const errors = await failures(without);
    expect(errors.map((error) => (error as Error).message)).toContain('Redis refused commit: ERR');
    expectNoSecret(without, errors);
    await Promise.all([server.stop(), renamed.stop()]);
  });

  it('when the server does not answer, and when it goes away in mid-call', async () => {
    const server = await startRedisServer();
    const options = { ...storeOptions(server), commandTimeout: 150, retryStrategy: () => 20 };
    const [slow, cut] = [await stores.start(options), await stores.start({ ...options, commandTimeout: '10s' })];
    server.pause();
    const errors = await failures(slow);
    expect(errors).toHaveLength(7);
    const inFlight = failures(cut);
    process.kill(server.pid, 'SIGKILL'); // `stop` would let it go on, and answer, first.
    await server.ended;
    const interrupted = await inFlight;
    expect(interrupted).toMatchObject(Array(7).fill({ code: 'STORE_TIMEOUT' }));
    errors.push(...interrupted);
    await eventually(async () => {
      const refused = await failures(cut);
      expect(refused).toMatchObject(Array(7).fill({ code: 'STORE_UNAVAILABLE' }));
      errors.push(...refused);
    });
    for (const store of [slow, cut]) expectNoSecret(store, errors);
  });

  it('when the password is wrong, missing, or sent to a server that wants none', async () => {
    const server = await startRedisServer();
    await stores.client(server).acl('SETUSER', 'app', 'on', '>other', '~*', '&*', '+@all');
    const planted = { username: 'app', password: PASSWORD };
    const patience = { startTimeout: 200, retryStrategy: () => 20 };
    for (const options of [
      { ...patience, ...storeOptions(server), ...planted },
      { ...patience, ...storeUrl(server, planted) },
      { ...patience, ...storeUrl({ port: await freePort() }, planted) },
    ]) {
      const store = stores.begin(options);
      const error: unknown = await store.started.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(store.reports.length).toBeGreaterThan(0);
      expectNoSecret(store, [error]);
      const degraded = await stores.start({ ...options, onUnavailable: 'degraded' });
      expect(degraded.warnings).toHaveLength(1);
      expectNoSecret(degraded, await failures(degraded));
    }
    await server.stop();
  });

  it('when the nodes of a cluster refuse the password', async () => {
    const server = await startRedisServer({ args: ['--cluster-enabled', 'yes'] });
    await stores.client(server).acl('SETUSER', 'app', 'on', '>other', '~*', '&*', '+@all');
    const { host: _host, port: _port, ...access } = storeOptions(server);
    const redisOptions = { ...access, username: 'app', password: PASSWORD };
    const cluster = { nodes: [{ host: server.host, port: server.port }], options: { redisOptions } };
    const store = stores.begin({ cluster, startTimeout: 500 });
    const error: unknown = await store.started.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('WRONGPASS') });
    expectNoSecret(store, [error]);
    await server.stop();
  });
});
