import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Options, Post } from '@nestjs/common';
import {
  Cached,
  CacheEvict,
  CachePut,
  CacheTxnModule,
  Locked,
  memoryStore,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';
import { of } from 'rxjs';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

@Injectable()
class Prices {
  calls: unknown[] = [];
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Cached('price:{args.0}', { ttl: '1m' })
  async of(seat: string, currency = 'EUR'): Promise<{ seat: string; currency: string; at: Date } | null | undefined> {
    this.calls.push(seat);
    if (seat === 'null') return null;
    return seat === 'none' ? undefined : { seat, currency, at: new Date(0) };
  }

  @Cached((call) => `stream:${String(call.args[0])}`)
  stream(seat: string): Promise<string> {
    this.calls.push(seat);
    // An observable, which the wrapper waits for.
    return of(seat, `${seat} again`) as unknown as Promise<string>;
  }

  @CacheEvict(({ args }) => [String(args[0])])
  @CachePut(({ args }) => String(args[1]))
  async write(...keys: string[]): Promise<string> {
    this.calls.push(...keys);
    return 'written';
  }

  @CachePut('price:{args.0}')
  async put(seat: string): Promise<{ seat: string }> {
    return { seat };
  }

  @CacheEvict(({ args }) => args.map((seat) => `price:${String(seat)}`))
  async evict(...seats: string[]): Promise<number> {
    await this.cache.set('evicting', 1);
    return seats.length;
  }

  @CachePut('elsewhere:{args.0}', { store: 'other' })
  async putElsewhere(id: string): Promise<string> {
    return `${id} put`;
  }

  @CacheEvict('elsewhere:{args.0}', { store: 'other' })
  async evictElsewhere(_id: string): Promise<void> {
    // Nothing: it is about the entry.
  }

  @Cached('elsewhere:{args.0}', { store: 'other' })
  async elsewhere(id: string): Promise<string> {
    this.calls.push(id);
    return id;
  }
}

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

async function start(): Promise<{ app: TxnApp; prices: Prices }> {
  const app = await scene.app({
    providers: [Prices],
    imports: [CacheTxnModule.forRoot({ name: 'other', store: memoryStore(), namespace: 'other' })],
  });
  return { app, prices: app.app.get(Prices) };
}

describe('decorators of providers', () => {
  it('@Cached gives every call the value as its codec keeps it, the first one too', async () => {
    const { prices } = await start();
    const expected = { seat: 'a', currency: 'EUR', at: new Date(0) };
    expect([await prices.of('a'), await prices.of('a'), await prices.of('b')]).toEqual([
      expected,
      expected,
      { ...expected, seat: 'b' },
    ]);
    expect(prices.calls).toEqual(['a', 'b']);
  });

  it('@Cached keeps null but no undefined, and the last value of a stream', async () => {
    const { prices } = await start();
    expect([await prices.of('none'), await prices.of('none')]).toEqual([undefined, undefined]);
    expect([await prices.of('null'), await prices.of('null')]).toEqual([null, null]);
    expect([await prices.stream('s'), await prices.stream('s')]).toEqual(['s again', 's again']);
    expect(prices.calls).toEqual(['none', 'none', 'null', 's']);
  });

  it('@Cached sees what its transaction has written, and publishes nothing that it loads there', async () => {
    const { app, prices } = await start();
    await app.coordinator.run(async () => {
      await app.cache.set('price:a', { seat: 'own' });
      expect(await prices.of('a')).toEqual({ seat: 'own' });
      expect(await prices.of('b')).toMatchObject({ seat: 'b' });
    });
    expect(prices.calls).toEqual(['b']);
    expect([await app.cache.get('price:a'), await app.cache.get('price:b')]).toEqual([{ seat: 'own' }, undefined]);
  });

  it('@CachePut and @CacheEvict join the transaction of their caller', async () => {
    const { app, prices } = await start();
    await prices.of('a');
    const undone = app.coordinator.run(async () => {
      expect(await prices.put('b')).toEqual({ seat: 'b' });
      expect(await prices.evict('a')).toBe(1);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await app.cache.getMany(['price:a', 'price:b', 'evicting'])).toMatchObject(new Map([['price:a', {}]]));
    await prices.put('b');
    await prices.evict('a', 'b');
    expect([...(await app.cache.getMany(['price:a', 'price:b', 'evicting'])).keys()]).toEqual(['evicting']);
  });

  it('@CachePut and @CacheEvict refuse the key of a tag before the method runs', async () => {
    const { prices } = await start();
    for (const keys of [
      ['%tag:t', 'a'],
      ['a', '%tag:t'],
    ])
      await expect(prices.write(...keys)).rejects.toMatchObject({ code: 'KEY_TEMPLATE' });
    expect(prices.calls).toEqual([]);
  });

  it('store: the entry is that of another module', async () => {
    const { app, prices } = await start();
    expect([await prices.elsewhere('x'), await prices.elsewhere('x'), prices.calls]).toEqual(['x', 'x', ['x']]);
    await prices.putElsewhere('x');
    expect([await prices.elsewhere('x'), await app.cache.has('elsewhere:x')]).toEqual(['x put', false]);
    await prices.evictElsewhere('x');
    expect([await prices.elsewhere('x'), prices.calls]).toEqual(['x', ['x', 'x']]);
  });
});

describe('refused at boot', () => {
  @Controller()
  class Writes {
    @Post()
    @Cached('a')
    post() {
      return 1;
    }
  }

  @Controller()
  class Asks {
    @Options()
    @Cached('a')
    options() {
      return 1;
    }
  }

  @Controller()
  class Skips {
    @Get()
    @Cached('a')
    @Locked('a', { onBusy: 'skip' })
    get() {
      return 1;
    }
  }

  @Controller()
  class TwoTags {
    @Get()
    @Cached('a')
    @Versioned({ resource: 'a' })
    get() {
      return 1;
    }
  }

  @Controller()
  class Both {
    @Get()
    @Cached('a')
    @CachePut('b')
    get() {
      return 1;
    }
  }

  @Controller()
  class Evicting {
    @Get()
    @Cached('a')
    @CacheEvict('b')
    get() {
      return 1;
    }
  }

  it.each([
    [Writes, /@Cached of Writes.post: what answers POST is not to be cached/],
    [Asks, /@Cached of Asks.options: what answers OPTIONS is not to be cached/],
    [Skips, /@Cached of Skips.get: @Locked with onBusy: 'skip' leaves it out/],
    [TwoTags, /@Cached of TwoTags.get: it speaks ETag/],
    [Both, /@Cached of Both.get: a hit would leave the writes/],
    [Evicting, /@Cached of Evicting.get: a hit would leave the writes/],
  ])('%p', async (controller, message) => {
    await expect(scene.app({ controllers: [controller] })).rejects.toThrow(message);
  });
});
