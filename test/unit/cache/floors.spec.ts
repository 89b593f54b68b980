import { beforeEach, describe, expect, it } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

interface Row {
  readonly v: number;
}

const sourceVersion = ({ v }: Row): number => v;

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** Loads what a replica has now, which lags. */
function replica(v: number) {
  const load = (): Row | undefined => {
    load.calls += 1;
    return load.v === 0 ? undefined : { v: load.v };
  };
  load.v = v;
  load.calls = 0;
  return load;
}

const cached = (key = 'a'): Promise<Row | undefined> => other.cache.get<Row>(key);

describe('G58: a load keeps nothing that is older at its source than the value', () => {
  const stale = { ttl: '1m', staleWhileRevalidate: '1h', sourceVersion } as const;

  it('that is stale: it stays, and is given, until the source has something newer', async () => {
    const load = replica(7);
    await app.cache.getOrLoad('a', load, stale);
    await world.elapse(60_000);
    for (load.v of [6, 5]) {
      expect(await app.cache.getOrLoad('a', load, stale)).toEqual({ v: 7 });
      await world.settle();
      expect(await cached()).toEqual({ v: 7 });
    }
    load.v = 8;
    await app.cache.getOrLoad('a', load, stale);
    await world.settle();
    expect([await cached(), load.calls]).toEqual([{ v: 8 }, 4]);
  });

  it('that is the same there is fresh again', async () => {
    const load = replica(7);
    await app.cache.getOrLoad('a', load, stale);
    await world.elapse(60_000);
    for (const _ of [1, 2]) {
      await app.cache.getOrLoad('a', load, stale);
      await world.settle();
    }
    expect(load.calls).toBe(2);
  });

  it('that is about to end: it is loaded ahead of time, and stays', async () => {
    const load = replica(7);
    const ahead = { ttl: '1m', refreshAhead: '30s', sourceVersion } as const;
    await app.cache.getOrLoad('a', load, ahead);
    await world.elapse(45_000);
    load.v = 6;
    expect(await app.cache.getOrLoad('a', load, ahead)).toEqual({ v: 7 });
    await world.settle();
    expect([await cached(), load.calls]).toEqual([{ v: 7 }, 2]);
  });

  it('that is the last resort, which its callers get in place of what is older', async () => {
    const load = replica(7);
    const resort = { ttl: '1m', staleIfError: '1h', sourceVersion } as const;
    await app.cache.getOrLoad('a', load, resort);
    await world.elapse(60_000);
    load.v = 6;
    const both = [app, other].map(({ cache }) => cache.getOrLoad('a', load, resort));
    await world.elapse(5);
    expect(await Promise.all(both)).toEqual([{ v: 7 }, { v: 7 }]);
    load.v = 8;
    expect(await app.cache.getOrLoad('a', load, resort)).toEqual({ v: 8 });
    expect(await cached()).toEqual({ v: 8 });
  });

  it('that is over for its callers, who get what was loaded', async () => {
    const load = replica(7);
    await app.cache.getOrLoad('a', load, stale);
    await world.elapse(60_000);
    load.v = 6;
    expect(await app.cache.getOrLoad('a', load, { sourceVersion })).toEqual({ v: 6 });
    expect(await cached()).toEqual({ v: 7 });
  });

  it('whose tag was invalidated: its callers get what was loaded', async () => {
    const load = replica(7);
    const tagged = { tags: ['t'], sourceVersion };
    await app.cache.getOrLoad('a', load, tagged);
    await app.cache.invalidateTags('t');
    load.v = 6;
    expect(await app.cache.getOrLoad('a', load, tagged)).toEqual({ v: 6 });
    expect(await cached()).toBeUndefined();
    load.v = 7;
    expect(await app.cache.getOrLoad('a', load, tagged)).toEqual({ v: 7 });
    expect(await cached()).toEqual({ v: 7 });
  });

  it('that cannot be read', async () => {
    const strange = { name: 'strange', encode: () => 'strange', decode: () => ({ v: 7 }) };
    const writer = await world.process({ cache: { codec: strange } });
    await writer.cache.set('a', { v: 7 }, { sourceVersion });
    const load = replica(6);
    expect(await app.cache.getOrLoad('a', load, { sourceVersion })).toEqual({ v: 6 });
    load.v = 7;
    expect(await app.cache.getOrLoad('a', load, { sourceVersion })).toEqual({ v: 7 });
    expect(await cached()).toEqual({ v: 7 });
  });

  it('for several keys by one call, each by itself', async () => {
    await app.cache.setMany({ a: { v: 7 }, b: { v: 2 } }, { tags: ['t'], sourceVersion });
    await app.cache.invalidateTags('t');
    await app.cache.getOrLoadMany<Row>(['a', 'b'], () => ({ a: { v: 3 }, b: { v: 3 } }), { sourceVersion });
    expect([await cached('a'), await cached('b')]).toEqual([undefined, { v: 3 }]);
  });

  it('in a namespace', async () => {
    const books = app.cache.namespace('books');
    await books.set('a', { v: 7 }, { sourceVersion });
    await books.clear();
    await books.getOrLoad('a', replica(6), { sourceVersion });
    expect(await books.get('a')).toBeUndefined();
  });

  it('when it does not tell how old its values are', async () => {
    const load = replica(8);
    await app.cache.set('a', { v: 7 }, { tags: ['t'], sourceVersion });
    await app.cache.invalidateTags('t');
    expect(await app.cache.getOrLoad('a', load)).toEqual({ v: 8 });
    expect(await cached()).toBeUndefined();
    await app.cache.set('b', { v: 7 }, { tags: ['t'] });
    await app.cache.invalidateTags('t');
    await app.cache.getOrLoad('b', load, { sourceVersion });
    expect(await cached('b')).toEqual({ v: 8 });
  });
});

describe('a source that does not have the value', () => {
  const stale = { ttl: '1m', staleWhileRevalidate: '1h', sourceVersion } as const;

  it.each([0, '5s'] as const)('G58: ends it, and leaves its floor; negativeTtl %s', async (negativeTtl) => {
    const options = { ...stale, negativeTtl };
    const load = replica(7);
    await app.cache.getOrLoad('a', load, options);
    await world.elapse(60_000);
    load.v = 0;
    expect(await app.cache.getOrLoad('a', load, options)).toEqual({ v: 7 });
    await world.settle();
    expect(await cached()).toBeUndefined();
    load.v = 6;
    expect(await app.cache.getOrLoad('a', load, options)).toEqual({ v: 6 });
    expect(await cached()).toBeUndefined();
    await world.elapse(60_000);
    expect(await app.cache.getOrLoad('a', load, options)).toEqual({ v: 6 });
    expect(await cached()).toEqual({ v: 6 });
  });

  it('G58: does not make its floor last longer by asking for it', async () => {
    const load = replica(0);
    await app.cache.set('a', { v: 7 }, { ttl: '1m', tags: ['t'], sourceVersion });
    await app.cache.invalidateTags('t');
    for (const _ of [1, 2, 3]) {
      expect(await app.cache.getOrLoad('a', load, { negativeTtl: '5s', sourceVersion })).toBeUndefined();
      await world.elapse(30_000);
    }
    load.v = 6;
    await app.cache.getOrLoad('a', load, { sourceVersion });
    expect(await cached()).toEqual({ v: 6 });
  });
});

describe('sourceVersion', () => {
  it.each<[unknown, string]>([
    [-1, 'not -1'],
    [1.5, 'not 1.5'],
    [Number.NaN, 'not NaN'],
    ['41', 'not what is string'],
    [undefined, 'not what is undefined'],
  ])('refuses %p, and says nothing of the value', async (wrong, message) => {
    const options = { sourceVersion: () => wrong as number };
    for (const refused of [app.cache.getOrLoad('a', () => 1, options), app.cache.set('a', 1, options)]) {
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTIONS', details: { option: 'sourceVersion' } });
      await expect(refused).rejects.toThrow(message);
    }
    expect(await cached()).toBeUndefined();
    expect(await app.cache.getOrLoad('a', () => 2)).toBe(2);
  });

  it('is a function', async () => {
    const options = { sourceVersion: 'v' as unknown as () => number };
    await expect(app.cache.getOrLoad('a', () => 1, options)).rejects.toThrow('sourceVersion: a function belongs here');
    await expect(app.cache.set('a', 1, options)).rejects.toThrow('sourceVersion: a function belongs here');
  });

  it('is not asked about nothing', async () => {
    expect(await app.cache.getOrLoad('a', replica(0), { negativeTtl: '5s', sourceVersion })).toBeUndefined();
    expect(await app.cache.getOrLoad('a', replica(1), { sourceVersion })).toBeUndefined();
  });

  it('costs no round trip where the value is there', async () => {
    await app.cache.getOrLoad('a', replica(7), { sourceVersion });
    const before = app.store.count('leaseFill');
    expect(await app.cache.getOrLoad('a', replica(6), { sourceVersion })).toEqual({ v: 7 });
    expect(await app.cache.get('a')).toEqual({ v: 7 });
    expect([app.store.count('leaseFill') - before, app.store.count('readEntries')]).toEqual([1, 1]);
  });
});
