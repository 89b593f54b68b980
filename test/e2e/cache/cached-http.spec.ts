import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { milestone } from '../../support/txn-world.js';
import { Books, Shelf } from './books.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: TxnApp;
  let shelf: Shelf;
  beforeEach(async () => {
    app = await scene.app({ adapter, controllers: [Books], providers: [Shelf] });
    shelf = app.app.get(Shelf);
  });

  const get = (path = '/books/1', headers = {}) => app.send('GET', path, { headers });

  it('@Cached runs the method for what is missing, and says which it was', async () => {
    const [first, second] = [await get(), await get()];
    expect(
      [first, second].map(({ status, body, headers }) => [status, body, headers['x-cache'], headers['x-own']]),
    ).toEqual([
      [200, { title: 'Emma', read: 1 }, 'MISS', 'kept'],
      [200, { title: 'Emma', read: 1 }, 'HIT', 'kept'],
    ]);
    expect([first.headers['age'], second.headers['age']]).toEqual([undefined, expect.stringMatching(/^\d+$/)]);
    expect([shelf.reads, await app.cache.get('book:1')]).toEqual([1, { title: 'Emma', read: 1 }]);
  });

  it('@Cached answers the same JSON for a hit, for a miss, and without it, whatever is in the value', async () => {
    const paths = ['/books/1/kinds', '/books/1/kinds', '/books/1/kinds-uncached'];
    const answers: unknown[] = [];
    for (const path of paths) {
      const { text, headers } = await get(path);
      answers.push([headers['x-cache'], text]);
    }
    const text = '{"at":"1970-01-01T00:00:00.000Z","cover":{"type":"Buffer","data":[97]},"tags":{},"ratio":null}';
    expect(answers).toEqual([
      ['MISS', text],
      ['HIT', text],
      [undefined, text],
    ]);
    expect(await app.cache.get('kinds:1')).toMatchObject({ at: new Date(0), tags: new Set(['b']) });
  });

  it('G31: the ETag is the version of the entry, and If-None-Match is answered with 304, without the method', async () => {
    const first = await get();
    const { etag = '' } = first.headers;
    expect(etag).toBe(`"${(await app.cache.getEntry('book:1'))?.version}"`);
    const same = await get('/books/1', { 'if-none-match': etag });
    expect([same.status, same.text, same.headers['x-cache'], same.headers.etag]).toEqual([304, '', 'HIT', etag]);
    const other = await get('/books/1', { 'if-none-match': '"1"' });
    expect([other.status, other.headers['x-cache'], shelf.reads]).toEqual([200, 'HIT', 1]);
    await app.cache.delete('book:1');
    const anew = await get('/books/1', { 'if-none-match': etag });
    expect([anew.status, anew.body.read, anew.headers['x-cache']]).toEqual([200, 2, 'MISS']);
    expect(anew.headers.etag).not.toBe(etag);
  });

  it('G31: what is loaded because the entry cannot be read does not have its version, and is no 304', async () => {
    for (const isConditional of [false, true]) {
      await app.cache.set('book:1', { title: 'Emma' });
      await scene.redis.hset(`${app.namespace}:e:book:1`, 'v', '{broken');
      const version = await app.versions.current('book:1');
      const headers = isConditional ? { 'if-none-match': `"${version}"` } : {};
      const { status, body, headers: sent } = await get('/books/1', headers);
      expect([status, body.title, sent['x-cache']]).toEqual([200, 'Emma', 'MISS']);
      expect(sent.etag).not.toBe(`"${version}"`);
    }
  });

  it('a HEAD is answered like its GET', async () => {
    const { etag } = (await get()).headers;
    const { status, text, headers } = await app.send('HEAD', '/books/1');
    expect([status, text, headers['x-cache'], headers.etag]).toEqual([200, '', 'HIT', etag]);
  });

  it('G51: many at once run the method once', async () => {
    shelf.door = milestone();
    const answers = Array.from({ length: 20 }, () => get());
    await shelf.begun.reached;
    shelf.door.reach();
    const caches = (await Promise.all(answers)).map(({ headers }) => headers['x-cache']);
    // Those that came after the load have a hit.
    expect([shelf.reads, caches[0], caches.filter((cache) => !['MISS', 'HIT'].includes(String(cache)))]).toEqual([
      1,
      'MISS',
      [],
    ]);
  });

  it('an error of the method passes through, is cached by nobody, and has no header of a success', async () => {
    const [first, second] = [await get('/books/2'), await get('/books/2')];
    for (const { status, body, headers } of [first, second]) {
      expect([status, body.message, headers['x-cache']]).toEqual([404, 'no book 2', undefined]);
      expect(headers.etag).not.toBe('"0"');
    }
    expect(shelf.reads).toBe(2);
  });

  it('G33: a hit takes no lock and begins no transaction, whatever the order of the decorators', async () => {
    const held = await app.locks.acquire('book:1');
    expect((await get('/books/1/guarded')).status).toBe(423);
    await held.release();
    expect((await get('/books/1/guarded')).headers['x-cache']).toBe('MISS');
    await app.cache.delete('guarded reads');
    await app.locks.acquire('book:1');
    expect((await get('/books/1/guarded')).headers['x-cache']).toBe('HIT');
    expect([shelf.reads, await app.cache.has('guarded reads')]).toEqual([1, false]);
  });

  it('G37: what a key lacks is told before the method runs', async () => {
    const answers = [await get('/books/1/search'), await app.send('PUT', '/books/1/search')];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(Array(2).fill([400, 'KEY_TEMPLATE']));
    expect(shelf.reads).toBe(0);
  });

  it('@CacheEvict removes the entries of a method that has succeeded, of no other', async () => {
    await get();
    await get('/books/1/guarded');
    expect((await app.send('PUT', '/books/1/refused')).status).toBe(500);
    expect((await get()).headers['x-cache']).toBe('HIT');
    expect((await app.send('PUT', '/books/1/Persuasion')).body).toEqual({ title: 'Persuasion' });
    expect(await app.cache.getMany(['book:1', 'guarded:1'])).toEqual(new Map());
    expect((await get()).body).toMatchObject({ title: 'Persuasion' });
  });

  it('@CacheEvict is a part of the transaction of its method', async () => {
    await get();
    expect((await app.send('DELETE', '/books/1/undone')).status).toBe(409);
    expect(await app.cache.has('book:1')).toBe(true);
    expect((await app.send('DELETE', '/books/1/done')).status).toBe(200);
    expect(await app.cache.has('book:1')).toBe(false);
  });

  it('G47: no load that began before an eviction brings the old value back', async () => {
    shelf.door = milestone();
    const slow = get();
    await shelf.begun.reached;
    await app.send('PUT', '/books/1/Persuasion');
    shelf.door.reach();
    expect((await slow).body.title).toBe('Emma');
    expect((await get()).body.title).toBe('Persuasion');
  });

  it('@CachePut keeps what the method gives, for its time, and removes the entry for undefined', async () => {
    await app.send('PUT', '/books/1/Persuasion/put');
    expect([await app.cache.get('book:1'), (await get()).body]).toEqual([
      { title: 'Persuasion' },
      { title: 'Persuasion' },
    ]);
    const leftMs = await scene.redis.pttl(`${app.namespace}:e:book:1`);
    expect([leftMs > 0, leftMs <= 60_000]).toEqual([true, true]);
    await app.send('PUT', '/books/1/nothing/put');
    expect(await app.cache.has('book:1')).toBe(false);
  });
});
