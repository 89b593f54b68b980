import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/servers/free-port.js';
import { javascriptOf } from '../../support/processes/javascript-tree.mjs';
import { ownProcess } from '../../support/processes/owned-process.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { provesItself, useStores } from './stores.js';

const START_MS = 300;
/** For a busy machine: what is checked is that a start is bounded, not how exactly. */
const SLACK_MS = 2_000;
const STOPPED = expect.stringContaining('was stopped');

describe('the start of a Redis store', () => {
  const stores = useStores();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server.stop());

  it('G40: without a server ends within startTimeout, with an error that says why and what to do', async () => {
    const port = await freePort();
    const startedAtMs = performance.now();
    const { started, reports, store } = stores.begin({ ...storeOptions({ port }), startTimeout: START_MS });
    await expect(started).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringMatching(
        /within 300 ms \(connect ECONNREFUSED 127\.0\.0\.1:\d+\): nothing listens there: is Redis running.*onUnavailable: 'degraded'/,
      ),
      details: { startTimeoutMs: START_MS },
    });
    const tookMs = performance.now() - startedAtMs;
    expect(tookMs).toBeGreaterThanOrEqual(START_MS - 5);
    expect(tookMs).toBeLessThan(START_MS + SLACK_MS);
    expect(reports).toHaveLength(1);
    await expect(store.readEntries(['any'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it.each(['sentinels', 'cluster nodes'])('G40: without any %s ends within startTimeout too', async (kind) => {
    const address = { host: '127.0.0.1', port: await freePort() };
    const options =
      kind === 'sentinels' ? { sentinel: { sentinels: [address], name: 'main' } } : { cluster: { nodes: [address] } };
    const startedAtMs = performance.now();
    const { started, reports } = stores.begin({ ...options, startTimeout: START_MS });
    await expect(started).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/within 300 ms \(.*(ECONNREFUSED|unreachable|Connection is closed).*\)/),
    });
    expect(performance.now() - startedAtMs).toBeLessThan(START_MS + SLACK_MS);
    expect(reports).toHaveLength(1);
  });

  it('G40: without a server at a name of several addresses says so too', async () => {
    const { started } = stores.begin({ host: 'localhost', port: await freePort(), startTimeout: START_MS });
    await expect(started).rejects.toThrow(/ECONNREFUSED/);
  });

  it('G40: that failed leaves nothing behind that keeps the process alive', async () => {
    const program = await javascriptOf(new URL('./failing-start.program.ts', import.meta.url));
    const args = [fileURLToPath(program), String(await freePort())];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const owned = ownProcess(child);
    await owned.ended;
    expect([child.exitCode, owned.output()]).toEqual([0, 'STORE_UNAVAILABLE\n'.repeat(3)]);
  });

  it('G40: at a server that is frozen ends within startTimeout', async () => {
    const frozen = await startRedisServer();
    frozen.pause();
    const startedAtMs = performance.now();
    const { started } = stores.begin({ ...storeOptions(frozen), startTimeout: START_MS, commandTimeout: 100 });
    await expect(started).rejects.toThrow(/did not answer within 300 ms \(.+\)/);
    expect(performance.now() - startedAtMs).toBeLessThan(START_MS + SLACK_MS);
    await frozen.stop();
  });

  it('waits for a server that comes, or wakes up, in time', async () => {
    const port = await freePort();
    const { started, store } = stores.begin({
      ...storeOptions({ port }),
      startTimeout: '10s',
      retryStrategy: () => 20,
    });
    const late = await startRedisServer({ port });
    await started;
    await provesItself(store);

    late.pause();
    const second = stores.begin({ ...storeOptions(late), startTimeout: '10s', commandTimeout: 100 });
    late.resume();
    await second.started;
    await provesItself(second.store);
    await late.stop();
  });

  it('ends at once when the store is stopped meanwhile, whatever it is waiting for', async () => {
    const frozen = await startRedisServer();
    frozen.pause();
    for (const port of [frozen.port, await freePort()]) {
      const { started, store } = stores.begin({ ...storeOptions({ port }), startTimeout: '60s', commandTimeout: 100 });
      await store.stop();
      await expect(started).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: STOPPED });
    }
    await frozen.stop();
  });

  it('G42: with a wrong password says so, without the password', async () => {
    const client = stores.client(server);
    await client.acl('SETUSER', 'app', 'on', '>right', '~*', '&*', '+@all');
    const { started } = stores.begin({
      ...storeOptions(server),
      username: 'app',
      password: 'wrong-secret',
      startTimeout: START_MS,
    });
    await expect(started).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/WRONGPASS.*: check user and password;/),
    });
    await expect(started).rejects.not.toThrow('wrong-secret');
  });

  it('over TLS at a server without it asks whether that speaks TLS', async () => {
    const plain = await startRedisServer({ access: 'plain' });
    const { started } = stores.begin({ url: `rediss://127.0.0.1:${plain.port}`, startTimeout: START_MS });
    await expect(started).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/does not answer the TLS handshake\): does it speak TLS\? .* takes redis:\/\//),
    });
    await plain.stop();
  });

  it('as a user who may not do what the store needs says what the server refuses', async () => {
    const client = stores.client(server);
    for (const denied of ['info', 'subscribe']) {
      await client.acl('SETUSER', denied, 'on', '>pw', '~*', '&*', '+@all', `-${denied}`);
      const options = {
        ...storeOptions(server),
        username: denied,
        password: 'pw',
        startTimeout: START_MS,
        enableReadyCheck: false,
      };
      await expect(stores.begin(options).started).rejects.toThrow(new RegExp(`refused ${denied}: NOPERM`, 'i'));

      await client.acl('LOG', 'RESET');
      const waiting = stores.begin({ ...options, startTimeout: '60s' });
      await eventually(async () => expect(await client.acl('LOG')).not.toEqual([]), { what: 'the refusal' });
      await waiting.store.stop();
      await expect(waiting.started).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: STOPPED });
    }
  });
});
