import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { everyOperation, LONG_MS, provesItself, useStores } from './stores.js';

const COMMAND_MS = 300;
/** For a busy machine: what is checked is that a call is bounded, not how exactly. */
const SLACK_MS = 1_000;

describe('a Redis store whose server', () => {
  const stores = useStores();
  const options = { commandTimeout: COMMAND_MS, retryStrategy: (): number => 20 };
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server.stop());

  /** How every operation ends when all of them are begun now, with the time of the slowest. */
  async function endings(
    store: Parameters<typeof everyOperation>[0],
  ): Promise<{ codes: unknown[]; slowestMs: number }> {
    const startedAtMs = performance.now();
    const calls = Object.values(everyOperation(store)).map((operation) =>
      operation().then(
        () => 'answered',
        (error: unknown) => (error as { code?: unknown }).code ?? error,
      ),
    );
    const codes = await Promise.all(calls);
    return { codes: [...new Set(codes)], slowestMs: performance.now() - startedAtMs };
  }

  it('G40: is killed: every call in flight is unknown, every later one is refused, and all works after the restart', async () => {
    const victim = await startRedisServer();
    const { store, reports } = await stores.start({ ...options, ...storeOptions(victim) });
    await provesItself(store);

    victim.pause(); // So that the calls are surely in flight.
    const inFlight = endings(store);
    process.kill(victim.pid, 'SIGKILL'); // `stop` would let it go on, and answer, first.
    await victim.ended;
    const { codes, slowestMs } = await inFlight;
    expect(codes).toEqual(['STORE_TIMEOUT']);
    expect(slowestMs).toBeLessThan(COMMAND_MS + SLACK_MS);

    await eventually(async () => expect((await endings(store)).codes).toEqual(['STORE_UNAVAILABLE']), {
      what: 'calls to be refused without a server',
    });
    const back = await startRedisServer({ port: victim.port });
    await eventually(() => provesItself(store), { what: 'the store to work again' });
    expect((await endings(store)).codes).toEqual(['answered']);
    expect(reports.length).toBeGreaterThanOrEqual(1);
    await back.stop();
  });

  it('G40: is restarted at once, over and over: the process lives, and an outage is not reported for each try', async () => {
    let victim = await startRedisServer();
    const { port } = victim;
    const { store, reports } = await stores.start({ ...options, ...storeOptions(victim) });
    for (let round = 0; round < 3; round += 1) {
      await victim.stop();
      await eventually(async () => expect((await endings(store)).codes).not.toContain('answered'));
      victim = await startRedisServer({ port });
      await eventually(() => provesItself(store), { what: 'the store to work again' });
    }
    // One for each outage and connection.
    expect(reports.length).toBeLessThanOrEqual(6);
    await victim.stop();
  });

  it('G40: is frozen for longer than commandTimeout: calls settle in time, and it works when it thaws', async () => {
    const frozen = await startRedisServer();
    const { store } = await stores.start({ ...options, ...storeOptions(frozen) });
    await provesItself(store);
    frozen.pause();
    for (let round = 0; round < 3; round += 1) {
      const { codes, slowestMs } = await endings(store);
      for (const code of codes) expect(['STORE_TIMEOUT', 'STORE_UNAVAILABLE']).toContain(code);
      expect(slowestMs).toBeLessThan(COMMAND_MS + SLACK_MS);
    }
    frozen.resume();
    await eventually(() => provesItself(store), { what: 'the store to work again' });
    await frozen.stop();
  });

  it('G40: does not answer renewals: they are unknown, not lost', async () => {
    const frozen = await startRedisServer();
    const { store } = await stores.start({ ...options, ...storeOptions(frozen) });
    frozen.pause();
    const requests = ['one', 'two'].map((name) => ({ name, token: 'ann', leaseMs: LONG_MS }));
    expect(await store.renewLocks(requests)).toEqual(['unknown', 'unknown']);
    await frozen.stop();
    expect(await store.renewLocks(requests)).toEqual(['unknown', 'unknown']);
  });

  it('G40: is given up by your retryStrategy: calls are refused, not in doubt', async () => {
    const victim = await startRedisServer();
    const { store } = await stores.start({ ...options, ...storeOptions(victim), retryStrategy: () => null });
    await victim.stop();
    await eventually(async () => expect((await endings(store)).codes).toEqual(['STORE_UNAVAILABLE']));
  });

  it('forgets all scripts: every operation works all the same', async () => {
    const { store } = await stores.start({ ...options, ...storeOptions(server) });
    const client = stores.client(server);
    for (const [name, operation] of Object.entries(everyOperation(store))) {
      await client.script('FLUSH');
      await expect(operation().then(() => name)).resolves.toBe(name);
    }
    await client.script('FLUSH');
    expect(await store.renewLocks([{ name: 'any', token: 'nobody', leaseMs: LONG_MS }])).toEqual(['lost']);
  });

  it('is busy with somebody else’s endless script: calls settle, and work when it was killed', async () => {
    const busy = await startRedisServer({ args: ['--busy-reply-threshold', '10'] });
    const { store } = await stores.start({ ...options, ...storeOptions(busy) });
    const [culprit, admin] = [stores.client(busy), stores.client(busy)];
    await Promise.all([culprit.ping(), admin.ping()]); // A busy server refuses what a client asks while it connects.
    const endless = culprit.eval('while true do end', 0).catch((error: unknown) => error);
    await eventually(async () => {
      await expect(admin.get('any')).rejects.toThrow(/^BUSY /);
    });
    expect((await endings(store)).codes).toEqual(['STORE_UNAVAILABLE']);
    await admin.script('KILL');
    await endless;
    await provesItself(store);
    await busy.stop();
  });
});
