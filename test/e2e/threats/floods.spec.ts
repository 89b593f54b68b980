import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Lock, memoryStore, redisStore } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { ADAPTERS, type Answer, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { ATTEMPTS, BusyController } from './busy.controller.js';

let scene: TxnScene;
let leave: () => void;

beforeAll(async () => {
  scene = await TxnScene.start();
});
beforeEach(() => {
  Object.assign(BusyController.runs, { seat: 0, hot: 0, spent: 0 });
  BusyController.inside = new Promise<void>((resolve) => (leave = resolve));
});
afterEach(async () => {
  leave();
  await scene.closeApps();
});
afterAll(() => scene.stop());

const start = (lock = {}, adapter: (typeof ADAPTERS)[number] = 'express'): Promise<TxnApp> =>
  scene.app({ controllers: [BusyController], module: { lock: { wait: '20s', ...lock } }, adapter });

/** Sells a seat and stays in the method, with its lock held. */
async function inside(app: TxnApp, id = '1'): Promise<{ readonly answer: Promise<Answer>; readonly lock: Lock }> {
  const answer = app.send('POST', `/busy/seat/${id}`);
  const before = BusyController.runs.seat;
  await eventually(() => BusyController.runs.seat > before, { what: 'a call inside the method' });
  return { answer, lock: BusyController.lock! };
}

const waiters = async (app: TxnApp, id = '1'): Promise<number> => (await app.locks.inspect(`seat:${id}`))?.waiters ?? 0;

describe('G4: S17 a release of somebody else’s lock', () => {
  /** Tokens that somebody may guess, from the true one. */
  const forged = ({ token }: Lock): string[] =>
    [
      ...[token.slice(0, -1), `${token}x`, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`],
      ...[token.toLowerCase(), token.toUpperCase(), ` ${token}`, `${token}\0`, '', '*', token.slice(0, 8)],
    ].filter((guess) => guess !== token);

  it.each(['redis', 'memory'])('frees nothing, whatever token it guesses, and the holder commits: %s', async (kind) => {
    const store = kind === 'memory' ? memoryStore() : redisStore(storeOptions(scene.server));
    const app = await scene.app({ controllers: [BusyController], module: { store } });
    const { answer, lock } = await inside(app);
    const name = 'seat:1';
    for (const token of forged(lock)) {
      expect(await store.releaseLocks({ names: [name], token })).toBe('lost');
      expect(await store.renewLocks([{ name, token, leaseMs: 1 }])).toEqual(['lost']);
      const commit = { txnId: `forged-${token.length}`, outcomeTtlMs: 0, guards: [{ name, token }] };
      const operations = [{ kind: 'delete', key: name } as const];
      expect(await store.commit({ ...commit, operations })).toEqual({ kind: 'lock-lost', name });
    }
    expect(await app.locks.inspect(name)).toMatchObject({ fence: lock.fence });
    leave();
    expect((await answer).status).toBe(201);
    expect(await app.cache.get(name)).toBe('sold');
  });

  it('cannot be tried often enough: a token has 128 random bits, and is told to nobody', async () => {
    const app = await start();
    const tokens = new Set<string>();
    for (let i = 0; i < 200; i += 1) {
      const lock = await app.locks.acquire(`n${i}`);
      expect(Buffer.from(lock.token, 'base64url')).toHaveLength(16);
      tokens.add(lock.token);
      const told = JSON.stringify([await app.locks.inspect(`n${i}`), lock.names, lock.fence]);
      expect(told).not.toContain(lock.token);
      await lock.release();
    }
    expect(tokens.size).toBe(200);
  });
});

describe('S18 floods of waiters and of names', () => {
  it('of one name: so many wait as the name admits, the others get 423 at once', async () => {
    const app = await start({ maxWaiters: 3 });
    const holder = await inside(app);
    const flood = Array.from({ length: 20 }, () => app.send('POST', '/busy/seat/1'));
    const refused: Answer[] = [];
    for (const sent of flood)
      void sent.then((answer) => {
        if (answer.status === 423) refused.push(answer);
      });
    await eventually(() => refused.length === 17, { what: 'the refusals' });
    expect(await waiters(app)).toBe(3);
    for (const { body, headers } of refused) {
      expect([body.code, headers['retry-after']]).toEqual(['LOCK_TIMEOUT', '1']);
    }
    leave();
    expect((await holder.answer).status).toBe(201);
    expect((await Promise.all(flood)).filter(({ status }) => status === 201)).toHaveLength(3);
  });

  it.each(ADAPTERS)(
    'of many names: so many wait as the process admits, the others get 503 at once: %s',
    async (adapter) => {
      const app = await start({ maxPending: 5 }, adapter);
      const holders = [];
      for (const id of ['1', '2', '3']) holders.push(await inside(app, id));
      const flood = Array.from({ length: 20 }, (_, i) => app.send('POST', `/busy/seat/${(i % 3) + 1}`));
      const refused: Answer[] = [];
      for (const sent of flood)
        void sent.then((answer) => {
          if (answer.status === 503) refused.push(answer);
        });
      await eventually(() => refused.length === 15, { what: 'the refusals' });
      const waiting = await Promise.all(['1', '2', '3'].map((id) => waiters(app, id)));
      expect(waiting.reduce((sum, count) => sum + count, 0)).toBe(5);
      for (const { body, headers } of refused) {
        expect([body.code, headers['retry-after']]).toEqual(['STORE_UNAVAILABLE', '1']);
        expect(body.message).toContain('lock.maxPending');
      }
      leave();
      expect((await Promise.all(flood)).filter(({ status }) => status === 201)).toHaveLength(5);
      for (const { answer } of holders) expect((await answer).status).toBe(201);
      // The room is free again.
      expect((await app.send('POST', '/busy/seat/9')).status).toBe(201);
    },
  );

  it('a name that nobody holds any more leaves one small key, which expires', async () => {
    const app = await start();
    leave();
    for (let i = 0; i < 30; i += 1) expect((await app.send('POST', `/busy/seat/n${i}`)).status).toBe(201);
    const keys = await scene.redis.keys(`${app.namespace}:l:*`);
    expect(keys).toHaveLength(30);
    for (const key of keys) {
      // The fence, and after a hand-over the numbers of the queue.
      expect(await scene.redis.hlen(key)).toBeLessThanOrEqual(3);
      expect(await scene.redis.pttl(key)).toBeGreaterThan(0);
    }
  });
});

describe('G30: S19 retries that multiply the load', () => {
  const CALLS = 8;

  it('a call runs its method as often as its attempts say, however contended, and then answers 409', async () => {
    const app = await start();
    const answers = await Promise.all(Array.from({ length: CALLS }, () => app.send('POST', '/busy/hot')));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      Array(CALLS).fill([409, 'VERSION_CONFLICT']),
    );
    expect(BusyController.runs.hot).toBe(CALLS * ATTEMPTS);
  });

  it('no retry starts when its pause would end after the budget', async () => {
    const app = await start();
    const answers = await Promise.all(Array.from({ length: CALLS }, () => app.send('POST', '/busy/spent')));
    expect(answers.map(({ status }) => status)).toEqual(Array(CALLS).fill(409));
    expect(BusyController.runs.spent).toBe(CALLS);
  });

  it('the defaults bound a call to five runs and ten seconds', async () => {
    const app = await start();
    let runs = 0;
    const running = app.coordinator.runWithRetry({ retry: { backoff: { initial: 0 } } }, async () => {
      runs += 1;
      await app.cache.get('hot');
      await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('hot', runs));
      await app.cache.set('hot', 'mine');
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { attempts: 5 } });
    expect(runs).toBe(5);
  });
});
