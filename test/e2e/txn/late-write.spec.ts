import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { startFaultProxy } from '../../support/proxy/fault-proxy.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
const servers: RedisServer[] = [];
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(async () => {
  await scene.closeApps();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => scene.stop());

/** What the caller of a write was told. */
type Told = 'applied' | 'not applied' | 'in doubt';

async function told(writing: Promise<unknown>): Promise<Told> {
  const code = await writing.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
  if (code === undefined) return 'applied';
  if (code === 'TXN_IN_DOUBT') return 'in doubt';
  expect(['STORE_UNAVAILABLE', 'TXN_TIMEOUT', 'STORE_TIMEOUT']).toContain(code);
  return 'not applied';
}

/** A server that nobody else looks at. */
async function ownServer(): Promise<RedisServer> {
  const server = await startRedisServer();
  servers.push(server);
  return server;
}

/** An application on a server of its own, which can be frozen. */
async function frozenApp(txnTimeout: number): Promise<{ app: TxnApp; server: RedisServer }> {
  const server = await ownServer();
  const store = redisStore({ ...storeOptions(server), commandTimeout: '200ms' });
  return { app: await scene.app({ module: { store, txn: { timeout: txnTimeout } } }), server };
}

/**
 * The server has read everything that was sent to it before, on whichever connection. What was sent on the one that the
 * store uses now came before the probe. The others were accepted before the observer's, so they are in its list, and one
 * leaves that only when it was read to its end.
 */
async function drained({ cache }: TxnApp, server: RedisServer): Promise<void> {
  await eventually(() => cache.set('probe', 1), { what: 'the server to answer again', withinMs: 10_000 });
  const admin = observer(server);
  try {
    await eventually(
      async () => {
        const clients = String(await admin.call('CLIENT', 'LIST', 'TYPE', 'normal'))
          .trim()
          .split('\n');
        expect(clients).toHaveLength(2); // The store's and the observer's.
      },
      { what: 'closed connections to be read to their end', withinMs: 10_000 },
    );
  } finally {
    admin.disconnect();
  }
}

/** Reads, as often as it takes: on a busy machine a healthy server may exceed the time of a command too. */
function readable({ cache }: TxnApp, ...keys: string[]): Promise<ReadonlyMap<string, unknown>> {
  return eventually(() => cache.getMany(keys), { what: 'the server to answer a read', withinMs: 10_000 });
}

/** Lengths of a pause: shorter than a command may take, than the time for questions, and longer than all of it. */
const PAUSES_MS = [100, 350, 700, 1_400, 3_500];

describe('a Redis that is frozen in the middle of a commit', () => {
  it('G20: applies nothing later of what the caller was told is not applied, and nothing twice', async () => {
    const stories = await Promise.all(
      PAUSES_MS.map(async (pauseMs) => {
        const { app, server } = await frozenApp(500);
        await eventually(() => app.cache.set('warm', 1), { what: 'the server to answer', withinMs: 10_000 });
        const answers = Array.from({ length: 10 }, (_, i) => {
          const writes = { [`a${i}`]: 1, [`b${i}`]: 1 };
          // Half of them as transactions, half as writes of their own, which nothing guards: blind ones.
          return told(i % 2 === 0 ? app.coordinator.run(() => app.cache.setMany(writes)) : app.cache.setMany(writes));
        });
        server.pause();
        await sleep(pauseMs);
        server.resume();
        const all = await Promise.all(answers);
        await drained(app, server);
        return Promise.all(
          all.map(async (answer, i) => {
            const visible = (await readable(app, `a${i}`, `b${i}`)).size;
            return { pauseMs, answer, visible };
          }),
        );
      }),
    );
    const contradictions = stories
      .flat()
      .filter(
        ({ answer, visible }) =>
          visible === 1 || (answer === 'applied' && visible !== 2) || (answer === 'not applied' && visible !== 0),
      );
    expect(contradictions).toEqual([]);
    const byPause = stories.map((story) => story.map(({ answer }) => answer));
    // The pauses did what they were chosen for.
    expect(byPause[0]).toEqual(Array(10).fill('applied'));
    expect(byPause.at(-1)).toContain('in doubt');
  }, 30_000);

  it('G21: applies nothing of a transaction that timed out before its commit', async () => {
    const { app, server } = await frozenApp(300);
    await eventually(() => app.cache.set('warm', 1), { what: 'the server to answer', withinMs: 10_000 });
    const answer = told(
      app.coordinator.run(async () => {
        await app.cache.setMany({ a: 1, b: 1 });
        server.pause();
        await sleep(400);
      }),
    );
    expect(await answer).toBe('not applied');
    server.resume();
    await drained(app, server);
    expect((await readable(app, 'a', 'b')).size).toBe(0);
  });

  it('G20: counts right when the caller repeats what it was told is not applied', async () => {
    const { app, server } = await frozenApp(1_000);
    await app.cache.set('n', 0);
    let applied = 0;
    let doubts = 0;
    const freezing = (async () => {
      for (const pauseMs of [250, 350, 300]) {
        await sleep(150);
        server.pause();
        await sleep(pauseMs);
        server.resume();
      }
    })();
    let isOver = false;
    void freezing.finally(() => (isOver = true));
    while (!isOver) {
      const increment = app.coordinator.runWithRetry(async () => {
        await app.cache.set('n', ((await app.cache.get<number>('n')) ?? 0) + 1);
      });
      const answer = await told(increment);
      if (answer === 'applied') applied += 1;
      if (answer === 'in doubt') doubts += 1;
    }
    await freezing;
    await drained(app, server);
    const counted = (await readable(app, 'n')).get('n') ?? 0;
    expect(counted).toBeGreaterThanOrEqual(applied);
    expect(counted).toBeLessThanOrEqual(applied + doubts);
    expect(applied).toBeGreaterThan(0);
  }, 20_000);
});

describe('a commit that is on its way for a long time', () => {
  it('G20: is refused when it arrives after its caller was told that it is not applied', async () => {
    const server = await ownServer();
    const proxy = await startFaultProxy(server.port);
    const store = redisStore({ ...storeOptions(server), port: proxy.port, commandTimeout: '150ms' });
    const app = await scene.app({ module: { store, namespace: 'late' } });
    await app.cache.set('n', 0);
    proxy.hold();
    const increment = app.coordinator.run(async () => {
      await app.cache.set('n', 'late');
      await app.cache.set('other', 'late');
    });
    expect(await told(increment)).toBe('not applied');
    expect(proxy.heldBytes).toBeGreaterThan(0);
    await app.cache.set('n', 1);
    proxy.release();
    await drained(app, server);
    expect(await readable(app, 'n', 'other')).toEqual(new Map([['n', 1]]));
    await scene.closeApps();
    await proxy.stop();
  });
});
