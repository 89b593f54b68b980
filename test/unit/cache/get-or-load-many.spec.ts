import { beforeEach, describe, expect, it } from '@jest/globals';
import { gate } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** Gives each key its own name as its value, but for those that it has not; remembers what it was asked for. */
function names({ without = [], door }: { without?: readonly string[]; door?: Promise<void> } = {}) {
  const load = async (keys: readonly string[]): Promise<Map<string, string>> => {
    load.asked.push([...keys]);
    await door;
    return new Map(keys.filter((key) => !without.includes(key)).map((key) => [key, `${key} loaded`]));
  };
  load.asked = [] as string[][];
  return load;
}

describe('getOrLoadMany', () => {
  it('gives what is there, and loads all that is not by one call', async () => {
    await other.cache.set('b', 'b cached');
    const load = names({ without: ['d'] });
    const found = await app.cache.getOrLoadMany(['a', 'b', 'c', 'd', 'a'], load);
    const expected = { a: 'a loaded', b: 'b cached', c: 'c loaded' };
    expect(Object.fromEntries(found)).toEqual(expected);
    expect(load.asked).toEqual([['a', 'c', 'd']]);
    expect(Object.fromEntries(await other.cache.getMany(['a', 'b', 'c', 'd']))).toEqual(expected);
  });

  it('asks nobody when there is nothing to load, or nothing to read', async () => {
    await other.cache.setMany({ a: 1, b: 2 });
    const load = names();
    expect((await app.cache.getOrLoadMany(['a', 'b'], load)).size).toBe(2);
    expect((await app.cache.getOrLoadMany([], load)).size).toBe(0);
    expect(load.asked).toEqual([]);
  });

  it('takes an object from the loader, with names that every object has, and leaves out what it was not asked for', async () => {
    const found = await app.cache.getOrLoadMany<number>(['a', 'constructor'], () => ({ a: 1, another: 2 }));
    expect([...found]).toEqual([['a', 1]]);
    expect(await other.cache.has('another')).toBe(false);
  });

  it.each<[string, unknown]>([
    ['an array', [1, 2]],
    ['undefined', undefined],
    ['null', null],
    ['string', '{"card":"4111"}'],
  ])('refuses a loader that gives %s, and does not show it', async (what, given) => {
    const loading = app.cache.getOrLoadMany(['a'], () => given as never);
    await expect(loading).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(what) });
    await expect(loading).rejects.not.toThrow('4111');
  });

  it('caches for the time that it is told', async () => {
    const load = names();
    await app.cache.getOrLoadMany(['a', 'b'], load, { ttl: '1s' });
    await world.elapse(1_000);
    await app.cache.getOrLoadMany(['a', 'b'], load);
    expect(load.asked).toHaveLength(2);
  });

  it('loads what cannot be read together, once more (S11)', async () => {
    for (const key of ['a', 'b']) {
      const operation = { kind: 'put', key, value: '{broken', ttlMs: 0, strategy: 'timestamp' } as const;
      await app.store.inner.commit({ txnId: `plant ${key}`, operations: [operation], guards: [], outcomeTtlMs: 0 });
    }
    const load = names();
    const found = await app.cache.getOrLoadMany(['a', 'b', 'c'], load);
    expect(Object.fromEntries(found)).toEqual({ a: 'a loaded', b: 'b loaded', c: 'c loaded' });
    expect(load.asked).toEqual([['c'], ['a', 'b']]);
  });

  it('G47: a write of one key during the load keeps that one from being published, and no other', async () => {
    const door = milestone();
    const loading = app.cache.getOrLoadMany(['a', 'b'], names({ door: door.reached }));
    await world.settle();
    await other.cache.set('a', 'a written');
    door.reach();
    await loading;
    expect(Object.fromEntries(await app.cache.getMany(['a', 'b']))).toEqual({ a: 'a written', b: 'b loaded' });
  });

  it('shares the load of a key with calls that ask for it meanwhile', async () => {
    const door = milestone();
    const [first, second] = [names({ door: door.reached }), names()];
    const loading = app.cache.getOrLoadMany(['a', 'b'], first);
    await world.settle();
    const others = [app.cache.getOrLoadMany(['b', 'c'], second), app.cache.getOrLoad('a', () => 'own')];
    await world.settle();
    door.reach();
    await loading;
    const [many, one] = await Promise.all(others);
    expect([Object.fromEntries(many as Map<string, string>), one]).toEqual([
      { b: 'b loaded', c: 'c loaded' },
      'a loaded',
    ]);
    expect([first.asked, second.asked]).toEqual([[['a', 'b']], [['c']]]);
  });

  it('shares the load of a key also while the store has not told of the others', async () => {
    const { lateReply, open } = gate();
    app.store.next('leaseFill', lateReply);
    const [many, one] = [names(), names()];
    const loading = app.cache.getOrLoadMany(['late', 'a'], many);
    await world.settle();
    const sharing = app.cache.getOrLoadMany(['a'], one);
    await world.settle();
    open();
    expect([(await loading).size, [...(await sharing).values()]]).toEqual([2, ['a loaded']]);
    expect([many.asked, one.asked]).toEqual([[['late', 'a']], []]);
    expect((await other.cache.getMany(['late', 'a'])).size).toBe(2);
  });

  it('loads and caches what the store has told of, also when it does not tell of all', async () => {
    app.store.next('leaseFill', 'refuse');
    const load = names();
    const loading = app.cache.getOrLoadMany(['away', 'a', 'b'], load, { onStoreError: 'throw' });
    await expect(loading).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.settle();
    expect(load.asked).toEqual([['a', 'b']]);
    expect([...(await other.cache.getMany(['away', 'a', 'b'])).keys()]).toEqual(['a', 'b']);
  });

  it('G53: loads what the store does not tell of with the others, and does not cache it', async () => {
    app.store.next('leaseFill', 'refuse');
    const load = names();
    expect((await app.cache.getOrLoadMany(['away', 'a', 'b'], load)).size).toBe(3);
    expect(load.asked).toEqual([['away', 'a', 'b']]);
    expect([...(await other.cache.getMany(['away', 'a', 'b'])).keys()]).toEqual(['a', 'b']);
  });

  it('gives the error of the loader, caches nothing, and the next call loads again', async () => {
    const failing = () => Promise.reject(new Error('the database is away'));
    await expect(app.cache.getOrLoadMany(['a', 'b'], failing)).rejects.toThrow('the database is away');
    expect((await app.cache.getOrLoadMany(['a', 'b'], names())).size).toBe(2);
  });

  it('caches nothing when one of the values cannot be', async () => {
    const load = () =>
      new Map<string, unknown>([
        ['a', 1],
        ['b', () => 1],
      ]);
    await expect(app.cache.getOrLoadMany(['a', 'b'], load)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await other.cache.getMany(['a', 'b'])).toEqual(new Map());
  });

  it('G47: inside a transaction is its own view, beside what it wrote itself, and nobody else’s (I9)', async () => {
    await other.cache.set('cached', 'in the store');
    const load = names();
    await app.coordinator.run(async () => {
      await app.cache.set('own', 'written');
      const keys = ['own', 'cached', 'a', 'b'];
      const expected = { own: 'written', cached: 'in the store', a: 'a loaded', b: 'b loaded' };
      expect(Object.fromEntries(await app.cache.getOrLoadMany(keys, load))).toEqual(expected);
      expect(Object.fromEntries(await app.cache.getOrLoadMany(keys, load))).toEqual(expected);
    });
    expect(load.asked).toEqual([['a', 'b']]);
    expect(await other.cache.getMany(['a', 'b'])).toEqual(new Map());
  });
});
