import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Inject, Param, Patch, Post } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { CacheTxn, type Lock, LockService, Locked, redisStore, TransactionalCache, Versioned } from 'nestjs-cache-txn';
import { inspect } from 'node:util';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions, storeUrl } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

const SECRET = 'planted-4111-1111';
const PASSWORD = 'planted-password';

let scene: TxnScene;
let server: RedisServer;
let client: Redis;
let app: TxnApp;
let lock: Lock;

/** A caller that breaks every rule it can with a value nobody may see again. */
@Controller('cards')
class Cards {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(LockService) private readonly locks: LockService,
  ) {}

  @Post('conflict')
  @CacheTxn()
  async conflict() {
    await this.cache.get('a');
    await app.coordinator.run({ propagation: 'not_supported' }, () => this.cache.set('a', SECRET));
    await this.cache.set('a', SECRET);
  }

  @Post('large')
  @CacheTxn()
  large() {
    return this.cache.set('a', SECRET.repeat(100_000));
  }

  @Post('unwritable')
  @CacheTxn()
  unwritable() {
    const cycle: Record<string, unknown> = { card: SECRET };
    cycle['cycle'] = cycle;
    return this.cache.set('a', cycle);
  }

  @Post('foreign')
  @CacheTxn()
  async foreign() {
    await this.cache.set('foreign', SECRET);
  }

  @Post('lost')
  @Locked('door')
  @CacheTxn()
  async lost() {
    await this.cache.set('a', SECRET);
    await this.locks.forceRelease('door');
  }

  @Post('read-only')
  @CacheTxn({ readOnly: true })
  readOnly() {
    return this.cache.set('a', SECRET);
  }

  @Post('busy')
  @Locked('busy', { wait: 0 })
  busy() {
    return 'never';
  }

  @Patch(':id')
  @Versioned({ resource: 'card:{params.id}' })
  async patch(@Param('id') id: string, @Body() body: unknown) {
    await this.cache.set(`card:${id}`, body);
  }

  @Post('away')
  @CacheTxn()
  async away() {
    await this.cache.set('a', SECRET);
    server.pause();
  }
}

beforeAll(async () => {
  scene = await TxnScene.start();
  server = await startRedisServer();
  client = observer(server);
  await client.set('cards:e:foreign', SECRET);
  const { username = 'default' } = storeOptions(server);
  await client.acl('SETUSER', username, 'resetpass', `>${PASSWORD}`);
  const store = redisStore({ ...storeUrl(server, { username, password: PASSWORD }), commandTimeout: '150ms' });
  app = await scene.app({ controllers: [Cards], module: { store, namespace: 'cards', txn: { timeout: '500ms' } } });
  lock = await app.locks.acquire('busy', { lease: '1m' });
});
afterAll(async () => {
  server.resume();
  client.disconnect();
  await scene.closeApps();
  await server.stop();
  await scene.stop();
});

/** Everything a logger could print of an error, causes included. */
const printed = (value: unknown): string =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity });

describe('what an application says when something fails', () => {
  it.each([
    ['conflict', 409],
    ['large', 413],
    ['unwritable', 500],
    ['lost', 503],
    ['read-only', 500],
    ['busy', 423],
    ['foreign', 500],
    ['away', 503],
  ])('G42: carries no cached value, no token and no password: %s', async (path, status) => {
    const answer = await app.send('POST', `/cards/${path}`);
    expect(answer.status).toBe(status);
    expect(answer.text + JSON.stringify(answer.headers)).not.toMatch(/planted/);
    expect(answer.text).not.toContain(lock.token);
    if (path === 'away') server.resume();
    await eventually(() => app.cache.set('probe', 1));
  });

  it('G42: not in a precondition that fails either', async () => {
    const answer = await app.send('PATCH', '/cards/1', {
      headers: { 'if-match': `"${SECRET}"` },
      body: { card: SECRET },
    });
    expect([answer.status, /planted/.test(answer.text)]).toEqual([412, false]);
  });

  it('G42: not in the errors themselves, whatever prints them', async () => {
    const { coordinator, cache, versions, locks } = app;
    const cycle: Record<string, unknown> = { card: SECRET };
    cycle['cycle'] = cycle;
    server.pause();
    const failing = [
      () => coordinator.run(() => cache.setMany({ a: SECRET })),
      () => cache.set('a', SECRET),
      () => versions.compareAndSet('a', 0, SECRET),
      () => cache.set('a', cycle),
      () => locks.acquire('a', { wait: '300ms' }),
    ];
    const ended = await Promise.allSettled(failing.map((fail) => fail()));
    server.resume();
    const reasons = ended.map((end) => (end.status === 'rejected' ? end.reason : 'it succeeded'));
    expect(reasons).not.toContain('it succeeded');
    for (const error of reasons) expect(printed(error)).not.toMatch(/planted/);
  });

  it('G42: not in the log', () => {
    expect(app.log.length).toBeGreaterThan(0);
    expect(app.log.join('\n')).not.toMatch(/planted/);
    expect(app.log.join('\n')).not.toContain(lock.token);
  });
});
