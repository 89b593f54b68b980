import { beforeEach, describe, expect, it } from '@jest/globals';
import { Cached } from '../../../src/cache/decorators/cached.decorator.js';
import { CachedLayer } from '../../../src/cache/decorators/cached.layer.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import type { HttpExchange } from '../../../src/pipeline/http-exchange.js';
import type { Emitted, Next } from '../../../src/pipeline/layer.js';
import { milestone, type TxnProcess, type TxnProcessOptions, TxnWorld } from '../../support/txn-world.js';
import { makeCall } from '../pipeline/make-call.js';

class Pages {
  @Cached('page', { ttl: '1m', staleWhileRevalidate: '1h', negativeTtl: '1m' })
  revalidated(): void {}
  @Cached('page', { ttl: '1m', staleIfError: '1h' })
  kept(): void {}
}

let world: TxnWorld;
let app: TxnProcess;
let layer: CachedLayer;

async function start(options: TxnProcessOptions = {}): Promise<void> {
  world = new TxnWorld();
  app = await world.process(options);
  layer = layerOf(app);
}

const layerOf = (process: TxnProcess) => new CachedLayer(process.cache, process.store, {}, () => false);

/** What a GET is answered with, and its headers; the method, unless it is given, gives the number of its run. */
async function get(method: keyof Pages, next: Next = run, by = layer) {
  const headers: Record<string, string> = {};
  const set = (name: string, value: string): void => {
    headers[name] = value;
  };
  const http: HttpExchange = {
    method: 'GET',
    url: '/page',
    header: () => undefined,
    setHeader: set,
    setDefaultHeader: () => undefined,
    varyBy: () => undefined,
    setStatus: () => undefined,
  };
  const around = by.prepare(describeMethod(Pages, method, Pages.prototype[method], 'provider'));
  const [value] = await around(makeCall({ http }), next);
  const { 'X-Cache': cache, Age: age, ETag: etag } = headers;
  return { value, cache, age, etag };
}

let runs: number;
const run: Next = async () => [(runs += 1)];
const failing: Next = () => Promise.reject(new Error('the database is away'));

beforeEach(async () => {
  runs = 0;
  await start();
});

describe('X-Cache and Age of @Cached', () => {
  it('MISS has no age, HIT has that of the entry in whole seconds', async () => {
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'MISS', age: undefined });
    await world.elapse(999);
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'HIT', age: '0' });
    await world.elapse(58_501);
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'HIT', age: '59' });
  });

  it('G31: STALE has the age and the ETag of the value that it gives; the next one is a HIT of the new value', async () => {
    const { etag } = await get('revalidated');
    await world.elapse(61_500);
    expect(await get('revalidated')).toEqual({ value: 1, cache: 'STALE', age: '61', etag });
    await world.elapse(2_500);
    const next = await get('revalidated');
    expect(next).toMatchObject({ value: 2, cache: 'HIT', age: '2' });
    expect(next.etag).toBe(`"${(await app.cache.getEntry('page'))?.version}"`);
    expect(next.etag).not.toBe(etag);
  });

  it('G31: STALE is also what is given where the method has failed', async () => {
    const { etag } = await get('kept');
    await world.elapse(75_500);
    expect(await get('kept', failing)).toEqual({ value: 1, cache: 'STALE', age: '75', etag });
    expect(await get('kept')).toMatchObject({ value: 2, cache: 'MISS', age: undefined });
  });

  it('a call that shares the load of another has a MISS; one that waited for another process has what is in the store', async () => {
    const [begun, door] = [milestone(), milestone()];
    const first = get('kept', async () => {
      begun.reach();
      await door.reached;
      return ['shared'];
    });
    await begun.reached;
    const second = get('kept');
    const elsewhere = get('kept', run, layerOf(await world.process()));
    await world.settle();
    door.reach();
    expect(await Promise.all([first, second])).toMatchObject(Array(2).fill({ value: 'shared', cache: 'MISS' }));
    expect(await world.finish(elsewhere)).toMatchObject({ value: 'shared', cache: 'HIT', age: '0' });
    expect(runs).toBe(0);
  });

  it('an absence that is remembered is a HIT', async () => {
    const nothing: Next = async () => [undefined];
    expect(await get('revalidated', nothing)).toMatchObject({ value: undefined, cache: 'MISS' });
    expect(await get('revalidated')).toMatchObject({ value: undefined, cache: 'HIT' });
  });

  it('an entry that cannot be read is a MISS', async () => {
    await app.store.commit({
      txnId: 'garbage',
      operations: [{ kind: 'put', key: 'page', value: '{broken', ttlMs: 0, strategy: 'timestamp' }],
      guards: [],
      outcomeTtlMs: 0,
    });
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'MISS', age: undefined });
  });

  it('BYPASS is what the method gives while the store is away', async () => {
    app.store.always('*', 'refuse');
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'BYPASS', age: undefined });
  });

  it('has no age where versions are numbers', async () => {
    await start({ version: { strategy: 'counter' } });
    await get('kept');
    await world.elapse(5_500);
    expect(await get('kept')).toMatchObject({ value: 1, cache: 'HIT', age: undefined });
  });

  it('inside a transaction it is a MISS when the method ran, else a HIT', async () => {
    const answers: Emitted[] = [];
    await app.coordinator.run(async () => {
      for (const _ of [1, 2]) answers.push([(await get('kept')).cache]);
    });
    expect(answers).toEqual([['MISS'], ['HIT']]);
  });
});
