import { beforeEach, describe, expect, it } from '@jest/globals';
import { EntryReader } from '../../../src/commit/entry-reader.js';
import { CurrentEntries } from '../../../src/cache/current-entries.js';
import { CacheEvict } from '../../../src/cache/decorators/cache-evict.decorator.js';
import { CacheEvictLayer } from '../../../src/cache/decorators/cache-write.layer.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { prefetch } from '../../../src/version/conditional-read.js';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { makeCall } from '../pipeline/make-call.js';

interface Versioned {
  readonly version: number;
}

interface Row {
  readonly v: number;
}

const options = { sourceVersion: ({ v }: Row): number => v };

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** Reads any text, also none. */
const lenient = {
  name: 'lenient',
  encode: (value: unknown) => JSON.stringify(value),
  decode: (text: string): unknown => (text === '' ? 'what no body is' : JSON.parse(text)),
};

const load = (v: number, cache = app.cache): Promise<Row | undefined> =>
  cache.getOrLoad<Row>('a', () => ({ v }), options);
const cached = (cache = other.cache): Promise<Row | undefined> => cache.get<Row>('a');

describe('G58: a floor that an eviction has left', () => {
  it('keeps what is older at its source out of the cache, and nothing else', async () => {
    await load(6);
    await app.cache.evict({ keys: ['a'], floor: 7 });
    for (const v of [6, 5, 6]) {
      expect(await load(v)).toEqual({ v });
      expect(await cached()).toBeUndefined();
    }
    expect(await load(7)).toEqual({ v: 7 });
    expect(await cached()).toEqual({ v: 7 });
    expect(await load(9)).toEqual({ v: 7 });
  });

  it.each([
    ['loaded what is older', () => load(9)],
    ['loaded what tells no version', () => app.cache.getOrLoad('a', () => ({ v: 9 }))],
    ['deleted it', () => app.cache.delete('a')],
    ['written it', () => app.cache.set('a', { v: 3 }, options)],
  ])('is not lowered by a transaction that has %s before', async (_what, first) => {
    await other.cache.evict({ keys: ['a'], floor: 10 });
    await app.coordinator.run(async () => {
      await first();
      await app.cache.evict({ keys: ['a'], floor: 8 });
    });
    await load(9);
    expect(await cached()).toBeUndefined();
    await load(10);
    expect(await cached()).toEqual({ v: 10 });
  });

  it.each([undefined, lenient])('is no value for whoever reads, and nothing to tell of; codec %#', async (codec) => {
    other = await world.process({ cache: { ...(codec && { codec }) } });
    await app.cache.evict({ keys: ['a'], floor: 7 });
    expect([await cached(), await other.cache.has('a'), await other.cache.getEntry('a')]).toEqual([
      undefined,
      false,
      undefined,
    ]);
    expect((await other.cache.getMany(['a'])).size).toBe(0);
    expect(await other.cache.getOrLoad<Row>('a', () => undefined, { ...options, negativeTtl: '5s' })).toBeUndefined();
    expect(await load(6, other.cache)).toEqual({ v: 6 });
    expect([other.cache.statistics(), other.reported]).toEqual([{ unreadable: 0 }, []]);
  });

  it('keeps out what does not tell how old it is, and that there is none', async () => {
    await app.cache.evict({ keys: ['a'], floor: 7 });
    expect(await app.cache.getOrLoad('a', () => ({ v: 9 }))).toEqual({ v: 9 });
    expect(await app.cache.getOrLoad<Row>('a', () => undefined, { ...options, negativeTtl: '5s' })).toBeUndefined();
    expect(await load(6)).toEqual({ v: 6 });
    expect(await cached()).toBeUndefined();
  });

  it.each([undefined, '10s'] as const)('lasts for floorTtl, here %p', async (floorTtl) => {
    const { cache } = await world.process({ cache: { ...(floorTtl && { floorTtl }) } });
    await cache.evict({ keys: ['a'], floor: 7 });
    await world.elapse(floorTtl === undefined ? 59_999 : 9_999);
    await load(6);
    expect(await cached()).toBeUndefined();
    await world.elapse(1);
    await load(6);
    expect(await cached()).toEqual({ v: 6 });
  });

  it('is shared by one load at a time', async () => {
    await app.cache.evict({ keys: ['a'], floor: 7 });
    let calls = 0;
    const slow = async (): Promise<Row> => {
      calls += 1;
      await Promise.resolve();
      return { v: 6 };
    };
    const both = [1, 2].map(() => app.cache.getOrLoad<Row>('a', slow, options));
    expect([await Promise.all(both), calls]).toEqual([[{ v: 6 }, { v: 6 }], 1]);
  });

  it('is one for each of several keys, beside tags', async () => {
    await app.cache.setMany({ a: { v: 1 }, b: { v: 1 } });
    await app.cache.set('c', 1, { tags: ['t'] });
    await app.cache.evict({ keys: ['a', 'b', 'a'], tags: ['t'], floor: 2 });
    const loader = (): Record<string, Row> => ({ a: { v: 1 }, b: { v: 2 } });
    await app.cache.getOrLoadMany<Row>(['a', 'b'], loader, options);
    expect(Object.fromEntries(await other.cache.getMany(['a', 'b', 'c']))).toEqual({ b: { v: 2 } });
  });

  it('is not lowered by a writer who was first to change the row and is last to evict', async () => {
    await app.cache.evict({ keys: ['a'], floor: 8 });
    await other.cache.evict({ keys: ['a'], floor: 7 });
    await load(7);
    expect(await cached()).toBeUndefined();
    await load(8);
    await other.cache.evict({ keys: ['a'], floor: 7 });
    await load(7);
    expect(await cached()).toBeUndefined();
  });

  it('is not lowered by one who evicts at the same moment, whoever is first', async () => {
    for (const floors of [
      [8, 7],
      [7, 8],
    ]) {
      const evicting = [app, other].map(({ cache }, i) => cache.evict({ keys: ['a'], floor: floors[i]! }));
      await world.finish(Promise.all(evicting));
      await load(7);
      expect([floors, await cached()]).toEqual([floors, undefined]);
      await load(8);
      await app.cache.delete('a');
    }
  });

  it('is gone with a write, and with a removal that leaves none', async () => {
    await app.cache.evict({ keys: ['a'], floor: 7 });
    await app.cache.set('a', { v: 1 });
    expect(await cached()).toEqual({ v: 1 });
    await app.cache.evict({ keys: ['a'], floor: 7 });
    await app.cache.delete('a');
    await load(6);
    expect(await cached()).toEqual({ v: 6 });
  });

  it('has a version, which names nothing that is shown in its place', async () => {
    await load(6);
    await app.cache.evict({ keys: ['a'], floor: 7 });
    expect(await app.versions.current('a')).toBeGreaterThan(0);
    const entries = new CurrentEntries(app.coordinator);
    const resource = new ResourceCall('a', app.store, false, undefined);
    expect(await prefetch(resource, new EntryReader(app.store), (value) => entries.isCurrent(value))).toBe(0);
    expect(await withResource(resource, () => app.cache.get('a'))).toBeUndefined();
    expect(resource.shownVersion).toBeUndefined();
    const loading = new ResourceCall('a', app.store, false, undefined);
    expect(await withResource(loading, () => load(6))).toEqual({ v: 6 });
    expect(loading.shownVersion).toBeUndefined();
    expect(await withResource(loading, () => load(7))).toEqual({ v: 7 });
  });

  it.each([undefined, lenient])('is no value of a copy in this process either; codec %#', async (codec) => {
    const near = await world.process({ cache: { near: true, ...(codec && { codec }) } });
    await load(6);
    expect(await load(9, near.cache)).toEqual({ v: 6 });
    await app.cache.evict({ keys: ['a'], floor: 7 });
    for (const _ of [1, 2]) {
      expect([await cached(near.cache), await near.cache.has('a')]).toEqual([undefined, false]);
      expect(await load(6, near.cache)).toEqual({ v: 6 });
    }
    expect(await load(7, near.cache)).toEqual({ v: 7 });
    expect([await load(6, near.cache), await cached(near.cache), near.cache.statistics()]).toEqual([
      { v: 7 },
      { v: 7 },
      { unreadable: 0 },
    ]);
  });

  it('is given by evict outside of transactions in two round trips', async () => {
    await app.cache.evict({ keys: ['a'], floor: 7 });
    expect([app.store.count('readEntries'), app.store.count('commit')]).toEqual([1, 1]);
  });
});

describe('G58: a floor and a transaction', () => {
  it('that leaves it: the transaction has no value then, others have the floor when it is committed', async () => {
    await load(6);
    await app.coordinator.run(async () => {
      await app.cache.evict({ keys: ['a'], floor: 7 });
      expect([await app.cache.get('a'), await app.cache.has('a')]).toEqual([undefined, false]);
      expect(await load(7)).toEqual({ v: 7 });
      expect(await cached()).toEqual({ v: 6 });
    });
    await load(6);
    expect(await cached()).toBeUndefined();
  });

  it('that is rolled back leaves none', async () => {
    await load(6);
    const undone = app.coordinator.run(async () => {
      await app.cache.evict({ keys: ['a'], floor: 7 });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await cached()).toEqual({ v: 6 });
  });

  it('that meets it has no value, and keeps for others nothing of what it loads', async () => {
    await app.cache.evict({ keys: ['a'], floor: 7 });
    await app.coordinator.run(async () => {
      expect(await app.cache.get('a')).toBeUndefined();
      expect(await load(6)).toEqual({ v: 6 });
      expect(await app.cache.get('a')).toEqual({ v: 6 });
    });
    await app.coordinator.run(async () => {
      expect([await load(8), await load(9)]).toEqual([{ v: 8 }, { v: 8 }]);
    });
    expect([await cached(), app.cache.statistics()]).toEqual([undefined, { unreadable: 0 }]);
  });

  it('that leaves it conflicts with who writes the key meanwhile', async () => {
    const conflicting = app.coordinator.run(async () => {
      await app.cache.evict({ keys: ['a'], floor: 7 });
      await other.cache.evict({ keys: ['a'], floor: 8 });
    });
    await expect(conflicting).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    await load(7);
    expect(await cached()).toBeUndefined();
  });
});

describe('the floor of an eviction', () => {
  it.each<[object, string]>([
    [{ keys: ['a'], floor: -1 }, 'floor: a whole number from 0 on that grows with every change, and not -1'],
    [{ keys: ['a'], floor: '7' }, 'and not what is string'],
    [{ tags: ['t'], floor: 7 }, 'floor: it is left in the place of keys, and there are none'],
  ])('is refused where it makes no sense, and then nothing is removed: %j', async (evicted, message) => {
    await app.cache.set('a', 1, { tags: ['t'] });
    await expect(app.cache.evict(evicted)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      details: { option: 'floor' },
    });
    await expect(app.cache.evict(evicted)).rejects.toThrow(message);
    expect(await cached()).toBe(1);
  });

  it.each(['0', 0, '366d'])('cannot last for %j', async (floorTtl) => {
    const refused = world.process({ cache: { floorTtl: floorTtl as '1m' } });
    await expect(refused).rejects.toMatchObject({ details: { option: 'cache.floorTtl' } });
  });
});

describe('@CacheEvict with a floor', () => {
  class Rows {
    @CacheEvict('row:{args.0}', { floor: ({ version }: Versioned) => version })
    save(): void {}
  }

  it.each([
    ['text', '7'],
    ['null', null],
    ['nothing', undefined],
  ])(
    'G58: refuses a version that is %s, as sourceVersion does, and does not evict without a floor',
    async (_what, version) => {
      const sourceVersion = (row: Versioned): number => row.version;
      await app.cache.set('row:1', { version: 1 }, { sourceVersion });
      const layer = new CacheEvictLayer(app.cache);
      const around = layer.prepare(describeMethod(Rows, 'save', Rows.prototype.save, 'provider'));
      const call = around(makeCall({ args: ['1'] }), async () => [{ version }]);
      await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );
});
