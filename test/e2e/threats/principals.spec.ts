import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { APP_GUARD } from '@nestjs/core';
import { ADAPTERS, type Answer, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { Pages, TrustingGuard } from './pages.controller.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const as = (id: unknown, more: object = {}) => ({ 'x-user': JSON.stringify({ id, ...more }) });
const [ann, bob, token] = [as('ann'), as('bob'), { authorization: 'Bearer planted' }];

const shown = ({ status, body, headers }: Answer) => [status, body?.for, headers['x-cache']];

describe.each(ADAPTERS)('G54: S21 somebody else’s page, on %s', (adapter) => {
  let app: TxnApp;
  let pages: Pages;

  const start = async (module = {}): Promise<void> => {
    app = await scene.app({
      adapter,
      module,
      controllers: [Pages],
      providers: [{ provide: APP_GUARD, useClass: TrustingGuard }],
    });
    pages = app.app.get(Pages);
  };
  beforeEach(() => start());

  const get = (path: string, headers = {}) => app.send('GET', `/pages/${path}`, { headers });
  /** Whom the pages were made for, and whether they were cached, twice for each visitor. */
  const visits = async (path: string, ...visitors: readonly object[]) => {
    const answers: unknown[][] = [];
    for (const headers of [...visitors, ...visitors]) answers.push(shown(await get(path, headers)));
    return answers;
  };
  const each = (cache: string, ...names: readonly string[]) => names.map((name) => [200, name, cache]);

  it.each(['default?page=1', 'own/1', 'nothing', 'languages', 'function'])('is never shown at %s', async (path) => {
    expect(await visits(path, ann, bob, {})).toEqual([
      ...each('MISS', 'ann', 'bob', 'nobody'),
      ...each('HIT', 'ann', 'bob', 'nobody'),
    ]);
  });

  it('is never shown where the key names the user', async () => {
    expect(await visits('named', ann, bob)).toEqual([...each('MISS', 'ann', 'bob'), ...each('HIT', 'ann', 'bob')]);
    expect((await get('named')).body.code).toBe('KEY_TEMPLATE');
    expect((await scene.keys(app)).filter((key) => key.startsWith('e:'))).toEqual(['e:named:ann', 'e:named:bob']);
  });

  it.each([
    ['id', { id: 7, sub: 's', username: 'u' }, 'id:7'],
    ['sub', { sub: 's', userId: 'i' }, 'sub:s'],
    ['userId', { id: null, userId: '7' }, 'userId:7'],
    ['username', { username: 'a:b{c}%' }, 'username:a%3Ab%7Bc%7D%25'],
    ['the user itself', 'ann', 'itself:ann'],
  ])('is told by %s of the user', async (_what, user, part) => {
    await get('own/1', { 'x-user': JSON.stringify(user) });
    expect(await scene.keys(app)).toContain(`e:own:1:%user:${part}`);
  });

  it('is not to be named by a value of a request', async () => {
    await get('own/1', ann);
    for (const forged of ['own/1:%25user:id:ann', 'own/1/%25user%3Aid%3Aann', 'own/1%25user%3Aid/ann'])
      for (const [name, headers] of [
        ['bob', bob],
        ['nobody', {}],
      ] as const)
        expect([forged, ...shown(await get(forged, headers))]).toEqual([forged, 200, name, 'MISS']);
    const anns = await get('languages?size=1', { ...ann, 'accept-language': 'en' });
    expect(shown(anns)).toEqual([200, 'ann', 'MISS']);
    const forged = { 'accept-language': 'en:1:%user:id:ann' };
    expect(shown(await get('languages', forged))).toEqual([200, 'nobody', 'MISS']);
  });

  it.each([
    ['a token that no guard has read', token],
    ['a user without a name', as(undefined, { name: 'Ann' })],
    ['a user whose id is an object', as({ $oid: 1 })],
    ['a user whose id is empty', as('', { sub: 's' })],
  ])('is cached for nobody when it is for %s', async (_what, headers) => {
    for (const path of ['default', 'own/1', 'nothing', 'languages']) {
      for (const made of [1, 2]) {
        const answer = await get(path, headers);
        expect([answer.status, answer.headers['x-cache'], pages.made]).toEqual([200, 'BYPASS', made]);
        expect(answer.headers['cache-control']).toBe('private, no-cache');
      }
      pages.made = 0;
    }
    expect(await scene.keys(app)).toEqual([]);
  });

  it('is one for all where it is public', async () => {
    expect(await visits('public', ann, bob, {}, token)).toEqual([
      [200, 'ann', 'MISS'],
      ...each('HIT', ...Array<string>(7).fill('ann')),
    ]);
    expect((await get('public', ann)).headers['cache-control']).toBeUndefined();
  });

  it('is of no use to a cache on the way, which is told so', async () => {
    const first = await get('own/1', ann);
    const { etag = '' } = first.headers;
    const same = await get('own/1', { ...ann, 'if-none-match': String(etag) });
    expect([first, same].map(({ status, headers }) => [status, headers['cache-control']])).toEqual([
      [200, 'private, no-cache'],
      [304, 'private, no-cache'],
    ]);
    expect((await get('own/1')).headers['cache-control']).toBeUndefined();
    expect((await get('own/1', { ...bob, 'if-none-match': String(etag) })).body.for).toBe('bob');
  });

  it('is of one tenant where it varies by that, and of nobody without one', async () => {
    const of = (id: string, tenant?: string) => as(id, { tenant });
    expect(await visits('tenant', of('ann', 'a'), of('bob', 'a'), of('eve', 'b'), {})).toEqual([
      ...[...each('MISS', 'ann'), ...each('HIT', 'ann'), ...each('MISS', 'eve', 'nobody')],
      ...each('HIT', 'ann', 'ann', 'eve', 'nobody'),
    ]);
    for (const headers of [of('bob'), token]) expect((await get('tenant', headers)).headers['x-cache']).toBe('BYPASS');
  });

  it('is of whom the option principal names, of the decorator or of the module', async () => {
    const of = (id: string, tenant?: string) => as(id, { tenant });
    const tenants = [of('ann', 'a'), of('bob', 'a'), of('eve', 'b')];
    const expected = [...each('MISS', 'ann'), ...each('HIT', 'ann'), ...each('MISS', 'eve')];
    expect((await visits('principal', ...tenants)).slice(0, 3)).toEqual(expected);
    expect((await get('principal', of('bob'))).headers['x-cache']).toBe('BYPASS');
    const broken = await get('principal', as('bob', { tenant: { id: 1 } }));
    expect([broken.status, broken.body.code]).toEqual([400, 'KEY_TEMPLATE']);

    const session = (request: { readonly headers: Readonly<Record<string, string | undefined>> }) =>
      request.headers['x-session'];
    await start({ cache: { principal: session } });
    const sessions = [{ 'x-session': 'one' }, { 'x-session': 'two' }, {}];
    expect((await visits('default', ...sessions)).map((answer) => answer[2])).toEqual([
      ...Array<string>(3).fill('MISS'),
      ...Array<string>(3).fill('HIT'),
    ]);
    expect(await scene.keys(app)).toContain('e:%url:GET:Pages.ofUrl:/pages/default:%user:principal:two');
    expect((await get('default', ann)).headers['x-cache']).toBe('BYPASS');
  });
});

describe.each(ADAPTERS)('the key of @Cached on %s', (adapter) => {
  let app: TxnApp;
  beforeEach(async () => {
    app = await scene.app({
      adapter,
      controllers: [Pages],
      providers: [{ provide: APP_GUARD, useClass: TrustingGuard }],
    });
  });
  const send = (method: string, path: string, headers = {}) => app.send(method, `/pages/${path}`, { headers });
  const cacheOf = async (path: string, headers = {}, method = 'GET') =>
    (await send(method, path, headers)).headers['x-cache'];
  const keys = async () => (await scene.keys(app)).map((key) => key.replace(/^e:/, ''));

  it('is the method and its URL, with a query in any order', async () => {
    const spellings = ['b=2&a=1&a=3', 'a=1&b=2&a=3', '%61=1&a=3&&b=%32&', 'a=1&a=3&b=2'];
    const caches: unknown[] = [];
    for (const query of spellings) caches.push(await cacheOf(`default?${query}`));
    expect(caches).toEqual(['MISS', 'HIT', 'HIT', 'HIT']);
    expect(await cacheOf('default?a=3&a=1&b=2')).toBe('MISS');
    expect(await keys()).toEqual([
      '%url:GET:Pages.ofUrl:/pages/default?a=1&a=3&b=2',
      '%url:GET:Pages.ofUrl:/pages/default?a=3&a=1&b=2',
    ]);
  });

  it('tells apart what a handler can tell apart', async () => {
    const paths = [
      'default',
      'default?a',
      'default?a=1',
      'default?a=1%26b=2',
      'default?a=1&b=2',
      'default/1',
      'default/a%2Fb',
    ];
    for (const path of [...paths, 'default/a%252Fb', 'default/%31%2B', 'default/1+'].slice(0, -1))
      expect([path, await cacheOf(path)]).toEqual([path, 'MISS']);
    expect(await cacheOf('default/1+')).toBe('HIT');
  });

  it('is none where routers differ in what they read', async () => {
    for (const path of ['default/a;b=1', 'default?a=%', 'default?a=%ff', 'default#a'])
      expect([path, await cacheOf(path)]).toEqual([path, 'BYPASS']);
    expect(await keys()).toEqual([]);
  });

  it('is that of the GET for its HEAD, and of its own for a HEAD with a handler', async () => {
    expect([await cacheOf('default'), await cacheOf('default', {}, 'HEAD')]).toEqual(['MISS', 'HIT']);
    await send('GET', 'headed');
    expect((await keys()).filter((key) => key.includes('headed'))).toEqual(['%url:GET:Pages.headed:/pages/headed']);
  });

  it('is short for any URL and any user, and the same each time', async () => {
    const longUser = as('u'.repeat(500));
    const long = `default?q=${'x'.repeat(2_000)}`;
    for (const headers of [{}, ann, longUser, as('u'.repeat(501))]) {
      expect(shown(await send('GET', long, headers))[2]).toBe('MISS');
      expect(await cacheOf(long, headers)).toBe('HIT');
    }
    expect(await cacheOf(`${long}y`)).toBe('MISS');
    for (const key of await keys())
      expect(key).toMatch(/^%url:GET:Pages\.ofUrl:%sha256:[0-9a-f]{64}(:%user:id:ann|:%sha256:[0-9a-f]{64})?$/);
    expect([await cacheOf('own/1', longUser), await cacheOf('own/1', longUser)]).toEqual(['MISS', 'HIT']);
  });

  it('has what it varies by, which Vary names beside what the application names', async () => {
    const [en, de] = [{ 'accept-language': 'en' }, { 'accept-language': 'de' }];
    const caches: unknown[] = [];
    for (const headers of [en, de, {}, en, de, {}]) caches.push(await cacheOf('languages', headers));
    expect(caches).toEqual(['MISS', 'MISS', 'MISS', 'HIT', 'HIT', 'HIT']);
    expect([await cacheOf('languages?size=1', en), await cacheOf('languages?size=', en)]).toEqual(['MISS', 'HIT']);
    expect(await keys()).toEqual([
      'languages:%vary::',
      'languages:%vary:de:',
      'languages:%vary:en:',
      'languages:%vary:en:1',
    ]);
    expect((await send('GET', 'languages', en)).headers.vary).toBe('accept-language');
    expect((await send('GET', 'languages?size=1&size=2')).body.code).toBe('KEY_TEMPLATE');
    expect([
      await cacheOf('all-languages', { ...ann, ...en }),
      await cacheOf('all-languages', { ...bob, ...en }),
    ]).toEqual(['MISS', 'HIT']);
  });

  it('leaves what the application says in Cache-Control and Vary', async () => {
    for (const cache of ['MISS', 'HIT']) {
      const { headers } = await send('GET', 'own-headers', ann);
      expect([headers['x-cache'], headers['cache-control'], headers.vary]).toEqual([
        cache,
        'private, max-age=9',
        'Origin, Accept-Language, x-tenant',
      ]);
    }
  });
});
