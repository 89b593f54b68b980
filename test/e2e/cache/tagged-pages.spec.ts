import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, Inject, Injectable, Param, Put } from '@nestjs/common';
import { Cached, CacheEvict, CachePut, CacheTxn, type Call, CurrentTxn, type Transaction } from 'nestjs-cache-txn';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';

interface Page {
  readonly id: string;
  readonly read: number;
  readonly maxAge: number;
}

@Injectable()
class Reads {
  count = 0;

  page(id: string): Page {
    this.count += 1;
    return { id, read: this.count, maxAge: 30_000 };
  }
}

const principal = (request: { headers: { 'x-user'?: string } }) => request.headers['x-user'];

@Controller('events')
class Events {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  @Get(':id')
  @Cached('page:{params.id}', { tags: ['events', 'event:{params.id}'], ttl: (page: Page) => page.maxAge })
  page(@Param('id') id: string) {
    return this.reads.page(id);
  }

  @Get(':id/mine')
  @Cached({ principal, tags: 'event:{params.id}' })
  mine(@Param('id') id: string) {
    return this.reads.page(id);
  }

  @Get(':id/several')
  @Cached('several:{params.id}', {
    tags: ({ request }: Call<{ params: { id: string } }>) => request.params.id.split('+').map((id) => `event:${id}`),
  })
  several(@Param('id') id: string) {
    return this.reads.page(id);
  }

  @Get(':id/by-query')
  @Cached('by-query:{params.id}', { tags: 'language:{query.language}' })
  byQuery(@Param('id') id: string) {
    return this.reads.page(id);
  }

  @Put(':id')
  @CachePut('page:{params.id}', { tags: ['event:{params.id}'] })
  put(@Param('id') id: string) {
    return id === 'gone' ? undefined : this.reads.page(id);
  }

  @Delete('by-query')
  @CacheEvict({ tags: 'language:{query.language}' })
  forget() {
    return this.reads.page('forgotten');
  }

  @Delete(':id')
  @CacheEvict({ tags: ['event:{params.id}'] })
  sell(@Param('id') id: string) {
    if (id === 'refused') throw new Error('a bug');
  }

  @Delete(':id/both')
  @CacheEvict('page:{params.id}', { tags: ({ request }) => (request['query'] as { tags?: string[] }).tags ?? [] })
  both() {
    return {};
  }

  @Delete(':id/:how')
  @CacheTxn()
  @CacheEvict({ tags: 'event:{params.id}' })
  sellInTransaction(@Param('how') how: string, @CurrentTxn() txn: Transaction) {
    if (how === 'undone') txn.setRollbackOnly('on second thoughts');
  }
}

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('tags of decorators on %s', (adapter) => {
  let app: TxnApp;
  let reads: Reads;
  beforeEach(async () => {
    app = await scene.app({ adapter, controllers: [Events], providers: [Reads] });
    reads = app.app.get(Reads);
  });

  const cacheOf = async (path: string, headers = {}) =>
    (await app.send('GET', `/events/${path}`, { headers })).headers['x-cache'];

  it('G55: @CacheEvict makes every page of a tag a miss, and no other', async () => {
    for (const path of ['1', '2', '1+2/several']) await cacheOf(path);
    expect((await app.send('DELETE', '/events/1')).status).toBe(200);
    expect([await cacheOf('1'), await cacheOf('2'), await cacheOf('1+2/several')]).toEqual(['MISS', 'HIT', 'MISS']);
    expect([await cacheOf('1'), await cacheOf('1+2/several')]).toEqual(['HIT', 'HIT']);
    await app.send('DELETE', '/events/2');
    expect([await cacheOf('1'), await cacheOf('2'), await cacheOf('1+2/several')]).toEqual(['HIT', 'MISS', 'MISS']);
    await app.cache.invalidateTags('events');
    expect([await cacheOf('1'), await cacheOf('2'), await cacheOf('1+2/several')]).toEqual(['MISS', 'MISS', 'HIT']);
  });

  it('a tag reaches the pages of every principal, and default keys', async () => {
    const [ada, grace] = [{ 'x-user': 'ada' }, { 'x-user': 'grace' }];
    for (const headers of [ada, grace, {}]) await cacheOf('1/mine?b&a', headers);
    expect(reads.count).toBe(3);
    await app.send('DELETE', '/events/1');
    const caches = [];
    for (const headers of [ada, grace, {}, ada]) caches.push(await cacheOf('1/mine?a&b', headers));
    expect(caches).toEqual(['MISS', 'MISS', 'MISS', 'HIT']);
  });

  it('a method that fails, or a transaction that is rolled back, invalidates nothing', async () => {
    for (const id of ['1', 'refused']) await cacheOf(id);
    expect((await app.send('DELETE', '/events/refused')).status).toBe(500);
    expect((await app.send('DELETE', '/events/1/undone')).status).toBe(409);
    expect([await cacheOf('1'), await cacheOf('refused')]).toEqual(['HIT', 'HIT']);
    expect((await app.send('DELETE', '/events/1/done')).status).toBe(200);
    expect(await cacheOf('1')).toBe('MISS');
  });

  it('@CacheEvict takes keys and tags together; a function may give no tag', async () => {
    for (const id of ['1', '2']) await cacheOf(id);
    await app.send('DELETE', '/events/1/both');
    expect([await cacheOf('1'), await cacheOf('2')]).toEqual(['MISS', 'HIT']);
    await app.send('DELETE', '/events/1/both?tags=events&tags=event:1');
    expect([await cacheOf('1'), await cacheOf('2')]).toEqual(['MISS', 'MISS']);
  });

  it('@CachePut keeps its value under its tags, and removes the entry for undefined', async () => {
    await app.send('PUT', '/events/1');
    expect(await cacheOf('1')).toBe('HIT');
    await app.send('DELETE', '/events/1');
    expect(await app.cache.has('page:1')).toBe(false);
    await app.cache.set('page:gone', 'old');
    await app.send('PUT', '/events/gone');
    expect(await app.cache.has('page:gone')).toBe(false);
  });

  it('@Cached keeps a value for as long as it says itself', async () => {
    await cacheOf('1');
    const leftMs = await scene.redis.pttl(`${app.namespace}:e:page:1`);
    expect([leftMs > 20_000, leftMs <= 30_000]).toEqual([true, true]);
  });

  it('G37: what a tag lacks is told before the method runs', async () => {
    const answers = [await app.send('GET', '/events/1/by-query'), await app.send('DELETE', '/events/by-query')];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(Array(2).fill([400, 'KEY_TEMPLATE']));
    const many = Array.from({ length: 33 }, (_, i) => `tags=${i}`).join('&');
    expect((await app.send('DELETE', `/events/1/both?${many}`)).body.code).toBe('INVALID_OPTIONS');
    expect(reads.count).toBe(0);
  });
});

it('a tag of a provider method that reads a request is refused at boot', async () => {
  @Injectable()
  class Prices {
    @Cached('price:{args.0}', { tags: 'event:{params.id}' })
    async of(id: string): Promise<string> {
      return id;
    }
  }
  await expect(scene.app({ providers: [Prices] })).rejects.toThrow('@Cached of Prices.of: the key template');
});
