import { beforeEach, describe, expect, it } from '@jest/globals';
import { unavailable } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** Puts a text into the store as another program, or an older version of the application, may have done. */
async function plant(key: string, value: string): Promise<void> {
  await other.store.commit({
    txnId: `plant ${key}`,
    operations: [{ kind: 'put', key, value, ttlMs: 0, strategy: 'timestamp' }],
    guards: [],
    outcomeTtlMs: 0,
  });
}

describe('a read', () => {
  it('answers the value, or undefined when there is none', async () => {
    await other.cache.set('a', { deep: [1, 'two', null] });
    expect([await app.cache.get('a'), await app.cache.get('b')]).toEqual([{ deep: [1, 'two', null] }, undefined]);
    expect([await app.cache.has('a'), await app.cache.has('b')]).toEqual([true, false]);
    expect(await app.cache.getEntry('b')).toBeUndefined();
  });

  it.each([null, false, 0, '', [], {}])('tells %j from no value', async (value) => {
    await other.cache.set('a', value);
    expect([await app.cache.get('a'), await app.cache.has('a')]).toEqual([value, true]);
    expect(await app.cache.getMany(['a', 'b'])).toEqual(new Map([['a', value]]));
    expect(await app.cache.getEntry('a')).toEqual({ value, version: await other.versions.current('a') });
  });

  it('of many keys costs one round trip and answers in their order, each key once', async () => {
    await other.cache.setMany({ a: 1, b: 2, c: 3 });
    const found = await app.cache.getMany(['c', 'absent', 'a', 'c']);
    expect([...found]).toEqual([
      ['c', 3],
      ['a', 1],
    ]);
    expect(app.store.count('readEntries')).toBe(1);
  });

  it('of no keys costs none', async () => {
    expect([...(await app.cache.getMany([]))]).toEqual([]);
    await app.coordinator.run(() => app.cache.getMany([]));
    expect(app.store.count()).toBe(0);
  });

  it('hands out a copy each time', async () => {
    await other.cache.set('a', { n: 1 });
    await app.coordinator.run({ readOnly: true }, async () => {
      const first = await app.cache.get<{ n: number }>('a');
      if (first) first.n = 2;
      expect(await app.cache.get('a')).toEqual({ n: 1 });
    });
  });

  it('keeps a written object as it was when it was written', async () => {
    const value = { n: 1 };
    await app.coordinator.run(async () => {
      await app.cache.set('a', value);
      value.n = 2;
      expect(await app.cache.get('a')).toEqual({ n: 1 });
    });
    expect(await other.cache.get('a')).toEqual({ n: 1 });
  });

  it('G29: gives value and version of one read', async () => {
    await other.cache.set('a', 1);
    const entry = await app.cache.getEntry('a');
    await other.cache.set('a', 2);
    const later = await app.cache.getEntry('a');
    expect([entry?.value, later?.value]).toEqual([1, 2]);
    expect(later?.version).toBeGreaterThan(entry?.version ?? Infinity);
    expect(await app.versions.compareAndSet('a', later?.version ?? 0, 3)).toBeGreaterThan(later?.version ?? 0);
  });

  it('passes on that the store is away', async () => {
    app.store.always('readEntries', unavailable);
    for (const read of [
      () => app.cache.get('a'),
      () => app.cache.getMany(['a', 'b']),
      () => app.cache.has('a'),
      () => app.cache.update('a', () => 1),
    ]) {
      await expect(read()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(app.coordinator.run(read)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    }
  });
});

describe('a value that is not JSON', () => {
  const broken = ['', 'undefined', '{"a":1', '[1,]', "{'a':1}", 'NaN', '{"a":1}x', '\u0000', 'plain text'];

  it.each(broken)('%j is a miss, and the sink hears of its key', async (text) => {
    await plant('a', text);
    expect([await app.cache.get('a'), await app.cache.has('a'), await app.cache.getEntry('a')]).toEqual([
      undefined,
      false,
      undefined,
    ]);
    expect(await app.cache.getMany(['a'])).toEqual(new Map());
    expect(app.reported).toHaveLength(4);
    expect(app.reported[0]).toMatchObject({ origin: { during: 'cache read', details: { key: 'a' } } });
  });

  it('is counted, once for each read of it', async () => {
    const before = app.cache.statistics();
    await plant('a', 'broken');
    await plant('b', '$["$date","soon"]');
    await other.cache.set('c', 1);
    await app.cache.getMany(['a', 'b', 'c', 'absent']);
    await app.cache.getOrLoad('a', () => 'loaded');
    expect([before, app.cache.statistics(), other.cache.statistics()]).toEqual([
      { unreadable: 0 },
      { unreadable: 3 },
      { unreadable: 0 },
    ]);
  });

  it('G42: is not quoted in the report', async () => {
    await plant('a', '{"card":"4111 1111 1111 1111"');
    await app.cache.get('a');
    expect(JSON.stringify(app.reported.map(({ error, origin }) => [String(error), origin]))).not.toContain('4111');
  });

  it('can be replaced: its version is the one to expect', async () => {
    await plant('a', 'broken');
    expect(await app.cache.update('a', (current) => (current === undefined ? 'whole' : 'wrong'))).toBe('whole');
    expect(await other.cache.get('a')).toBe('whole');
  });

  it('S11: that is nested deeper than 1,000 levels is a miss too', async () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    for (const depth of [1_001, 100_000]) {
      await plant('a', nested(depth));
      expect(await app.cache.get('a')).toBeUndefined();
    }
    expect(app.reported.map(({ error }) => String(error))).toEqual(
      Array(2).fill('Error: a cached value is nested deeper than 1000 levels; it counts as a miss'),
    );
    await plant('a', nested(1_000));
    expect(Array.isArray(await app.cache.get('a'))).toBe(true);
  });
});
