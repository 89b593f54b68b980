import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { Books, Shelf } from './books.js';

describe('a cached page whose Redis', () => {
  let scene: TxnScene;
  let victim: RedisServer;
  let app: TxnApp;
  let shelf: Shelf;

  beforeAll(async () => {
    scene = await TxnScene.start();
  });
  beforeEach(async () => {
    victim = await startRedisServer();
    const store = redisStore({ ...storeOptions(victim), commandTimeout: 300, retryStrategy: () => 20 });
    app = await scene.app({ module: { store }, controllers: [Books], providers: [Shelf] });
    shelf = app.app.get(Shelf);
  });
  afterEach(async () => {
    await scene.closeApps();
    await victim.stop();
  });
  afterAll(() => scene.stop());

  const get = (headers = {}) => app.send('GET', '/books/1', { headers });

  it('G53: is killed is made anew for each client, writes fail, and all is cached again after the restart', async () => {
    const { etag = '' } = (await get()).headers;
    process.kill(victim.pid, 'SIGKILL');
    await victim.ended;
    // The first ones may have been under way.
    await eventually(async () => expect((await app.send('PUT', '/books/1/Emma')).status).toBe(503));
    shelf.titles.set('1', 'Persuasion');
    for (const headers of [{}, { 'if-none-match': etag }]) {
      const { status, body, headers: sent } = await get(headers);
      expect([status, body.title, sent['x-cache']]).toEqual([200, 'Persuasion', 'BYPASS']);
      expect(sent.etag).not.toBe(etag);
    }
    victim = await startRedisServer({ port: victim.port });
    await eventually(async () => expect((await get()).headers['x-cache']).toBe('HIT'), { what: 'a hit' });
    expect((await get()).body.title).toBe('Persuasion');
  });

  it('G53: is full is answered from the cache where it is there, and made anew where not', async () => {
    const { etag } = (await get()).headers;
    const redis = observer(victim);
    await redis.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    const { status, headers } = await get();
    expect([status, headers['x-cache'], headers.etag]).toEqual([200, 'HIT', etag]);
    expect((await get({ 'if-none-match': etag })).status).toBe(304);
    expect((await app.send('GET', '/books/1/search?text=Emma')).headers['x-cache']).toBe('BYPASS');
    redis.disconnect();
  });

  it('G40, G53: is frozen is answered all the same, and from the cache when it goes on', async () => {
    await get();
    victim.pause();
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(answers.map(({ status, body }) => [status, body.title])).toEqual(Array(20).fill([200, 'Emma']));
    const reads = shelf.reads;
    expect((await get()).headers['x-cache']).toBe('BYPASS');
    expect(shelf.reads).toBe(reads + 1);
    victim.resume();
    await eventually(async () => expect((await get()).headers['x-cache']).toBe('HIT'), { what: 'a hit' });
  });

  it('G53: is asked again by all when it is back and full', async () => {
    await get();
    victim.pause();
    // Nobody asks it any more when as many have failed as the breaker bears.
    await Promise.all(Array.from({ length: 5 }, () => get()));
    victim.resume();
    const redis = observer(victim);
    await redis.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    await eventually(async () => expect((await get()).headers['x-cache']).toBe('HIT'), { what: 'a hit' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => get()));
    expect(answers.map(({ headers }) => headers['x-cache'])).toEqual(Array(10).fill('HIT'));
    redis.disconnect();
  });
});
