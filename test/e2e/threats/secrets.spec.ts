import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { redisStore, type RedisStoreOptions } from 'nestjs-cache-txn';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { eventually } from '../../support/eventually.js';
import { observer, storeUrl } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type Answer, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { SaidController } from './said.controller.js';

const SECRET = 'planted-4111-1111';
const PASSWORD = 'planted-password';
const USER = { username: 'app', password: PASSWORD };

/** What no text can hold. */
function cyclic(): unknown {
  const cycle: unknown[] = [{ card: SECRET }];
  cycle.push(cycle);
  return cycle;
}

let scene: TxnScene;
let server: RedisServer;
let admin: Redis;
let app: TxnApp;
const tokens: string[] = [];
/** Every line of every application, also of one whose boot fails. */
const log: string[] = [];

const storeAt = (at: RedisServer, over: object = {}): RedisStoreOptions => ({
  ...storeUrl(at, USER),
  commandTimeout: '150ms',
  retryStrategy: () => 20,
  ...over,
});

beforeAll(async () => {
  for (const level of ['log', 'warn', 'error'] as const) {
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((...parts: unknown[]) => void log.push(parts.map(String).join(' ')));
  }
  scene = await TxnScene.start();
  server = await startRedisServer();
  admin = observer(server);
  await admin.acl('SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  app = await scene.app({
    controllers: [SaidController],
    module: { store: redisStore(storeAt(server)), namespace: 'said' },
  });
  for (const key of ['e:foreign', 'l:foreign']) await admin.set(`said:${key}`, SECRET);
  tokens.push((await app.locks.acquire('busy', { lease: '1m' })).token);
}, 20_000);
afterAll(async () => {
  server.resume();
  admin.disconnect();
  await scene.closeApps();
  jest.restoreAllMocks();
  await Promise.all([server.stop(), scene.stop()]);
});

/** Runs while the server of the application is frozen. */
async function frozen<T>(work: () => Promise<T>): Promise<T> {
  server.pause();
  try {
    return await work();
  } finally {
    server.resume();
  }
}

/** For each code a way to get it, with a secret in whatever the call carries. */
const FAILURES: Readonly<Record<string, () => Promise<unknown>>> = {
  LOCK_TIMEOUT: () => app.locks.acquire(['busy', 'other'], { wait: 0 }),
  LOCK_LOST: () =>
    app.locks.withLock('door', async (lock) => {
      tokens.push(lock.token);
      await app.locks.forceRelease('door');
      await app.cache.set('a', SECRET);
    }),
  VERSION_CONFLICT: () =>
    app.coordinator.run(async () => {
      await app.cache.get('a');
      await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('a', `${SECRET}-1`));
      await app.cache.set('a', `${SECRET}-2`);
    }),
  TXN_TIMEOUT: () =>
    app.coordinator.run({ timeout: 1 }, async (txn) => {
      await app.cache.set('a', SECRET);
      await new Promise((resolve) => txn.signal.addEventListener('abort', resolve));
    }),
  TXN_IN_DOUBT: () => frozen(() => app.coordinator.run(() => app.cache.setMany({ a: SECRET, b: SECRET }))),
  TXN_ROLLED_BACK: () =>
    app.coordinator.run(async (txn) => {
      await app.cache.set('a', SECRET);
      txn.setRollbackOnly();
    }),
  TXN_ABORTED: async () => {
    const leaving = new AbortController();
    return app.coordinator.run({ signal: leaving.signal }, async () => {
      await app.cache.set('a', SECRET);
      leaving.abort();
    });
  },
  TXN_STATE: () => app.coordinator.run({ readOnly: true }, () => app.cache.set('a', SECRET)),
  LOAD_TIMEOUT: () => {
    const late = (signal: AbortSignal): Promise<string> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve(SECRET);
        });
      });
    return app.cache.getOrLoad('loaded', late, { timeout: 1 });
  },
  STORE_UNAVAILABLE: async () => {
    await admin.acl('SETUSER', 'app', '-evalsha');
    return app.cache.set('a', SECRET).finally(() => admin.acl('SETUSER', 'app', '+evalsha'));
  },
  STORE_TIMEOUT: () => frozen(() => app.locks.acquire('slow', { wait: 0 })),
  STORE_REPLY: () => app.cache.set('foreign', SECRET),
  KEY_TEMPLATE: () => app.cache.set('{', SECRET),
  LIMIT_EXCEEDED: () => app.cache.set('a', SECRET.repeat(100_000)),
  INVALID_OPTIONS: () => app.cache.set('a', cyclic()),
};

/** Everything a logger could print of an error, its causes and their hidden properties included. */
function printed(error: unknown): string {
  const texts = [inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity })];
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    texts.push(String(inner), String(inner.stack), JSON.stringify(inner));
    texts.push(JSON.stringify(inner, Object.getOwnPropertyNames(inner)));
  }
  return texts.join('\n');
}

function expectNoSecret(text: string): void {
  expect(tokens.length).toBeGreaterThan(0);
  for (const secret of ['planted', ...tokens]) expect(text).not.toContain(secret);
}

const said = ({ text, headers }: Answer): string => text + JSON.stringify(headers);

describe('G42: S16 values, tokens and passwords in errors, answers and logs', () => {
  const provoked = new Set<string>();

  it.each(Object.keys(FAILURES))(
    'never appear: %s',
    async (code) => {
      SaidController.failures = FAILURES;
      SaidController.errors.length = 0;
      const answer = await app.send('POST', `/said/failing/${code}`);
      expect([code, answer.status >= 400, SaidController.errors.length]).toEqual([code, true, 1]);
      expect(SaidController.errors[0]).toMatchObject({ code });
      provoked.add(code);
      expectNoSecret(printed(SaidController.errors[0]) + said(answer));
      await eventually(() => app.cache.set('probe', 1), { what: 'the server to answer again' });
    },
    20_000,
  );

  it('nor do they in answers to what a caller sends: bad ids, and tags that do not fit', async () => {
    const answers = [
      await app.send('POST', '/said/documents', { body: { id: [SECRET], card: SECRET } }),
      await app.send('PATCH', '/said/documents/1', { body: { card: SECRET }, headers: { 'if-match': `"${SECRET}"` } }),
      await app.send('PATCH', '/said/documents/1', { body: { card: SECRET } }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'KEY_TEMPLATE'],
      [412, 'PRECONDITION_FAILED'],
      [428, 'PRECONDITION_REQUIRED'],
    ]);
    for (const { body } of answers) provoked.add(body.code as string);
    answers.forEach((answer) => expectNoSecret(said(answer)));
  });

  it('nor when the boot fails, whatever is wrong with the connection', async () => {
    const at = storeUrl(server, USER).url;
    const start = (options: RedisStoreOptions) => scene.app({ module: { store: redisStore(options) } });
    for (const failing of [
      () => start(storeAt(server, { url: at.replace(PASSWORD, `${PASSWORD}-wrong`), startTimeout: 200 })),
      () => start(storeAt(server, { url: at.replace(/:\d+$/, ':1'), startTimeout: 200 })),
      () => start(storeAt(server, { keyPrefix: 'x' })),
      () => start(storeAt(server, { url: `${at}?commandTimeout=1` })),
      () => start(storeAt(server, { commandTimeout: 'soon' })),
    ]) {
      const error: unknown = await Promise.resolve()
        .then(failing)
        .catch((failure: unknown) => failure);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(STORE_UNAVAILABLE|INVALID_OPTIONS)$/) });
      expectNoSecret(printed(error));
    }
  });

  it('nor when the application closes with calls inside', async () => {
    const closing = await scene.app({ module: { store: redisStore(storeAt(server)) } });
    const lock = await closing.locks.acquire('kept', { lease: '1m' });
    tokens.push(lock.token);
    await closing.app.close();
    const error: unknown = await closing.locks.acquire('late').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'SHUTTING_DOWN' });
    provoked.add('SHUTTING_DOWN');
    expect(log.join()).toContain('a method still ran at shutdown');
    expectNoSecret(printed(error));
  });

  it('nor in the log of all of this', () => {
    for (const code of ['TXN_IN_DOUBT', 'STORE_UNAVAILABLE', 'INVALID_OPTIONS']) expect(log.join()).toContain(code);
    expectNoSecret(log.join('\n'));
  });

  it('and no code was left out', () => {
    const documented = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8').matchAll(
      /^\| `([A-Z_]+)` /gm,
    );
    expect([...provoked].sort()).toEqual([...documented].map(([, code]) => code).sort());
  });
});
