import { beforeEach, describe, expect, it } from '@jest/globals';
import { tagKey } from '../../../src/cache/tags/tags.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

describe('tags', () => {
  it('G55: invalidate every entry that carries one of them, by one write, and no other entry', async () => {
    await app.cache.set('a', 1, { tags: ['red', 'round'] });
    await app.cache.setMany({ b: 2, c: 3 }, { tags: ['round'] });
    await app.cache.getOrLoad('d', () => 4, { tags: ['red'] });
    await app.cache.set('e', 5);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    expect((await other.cache.getMany(keys)).size).toBe(5);
    await other.cache.invalidateTags('red');
    expect(Object.fromEntries(await app.cache.getMany(keys))).toEqual({ b: 2, c: 3, e: 5 });
    expect([await app.cache.has('a'), await app.cache.getEntry('d')]).toEqual([false, undefined]);
    expect(other.commits().flatMap(({ operations }) => operations)).toMatchObject([
      { kind: 'bump', key: tagKey('red') },
    ]);
  });

  it('keys and tags are evicted by one commit, or in the transaction of the call', async () => {
    await app.cache.setMany({ a: 1, b: 2, c: 3 }, { tags: ['red'] });
    await app.cache.setMany({ d: 4, e: 5 });
    await other.cache.evict({ keys: ['d', 'd'], tags: ['red', 'round'] });
    expect(other.commits().map(({ operations }) => operations)).toMatchObject([
      [
        { kind: 'bump', key: tagKey('red') },
        { kind: 'bump', key: tagKey('round') },
        { kind: 'delete', key: 'd' },
      ],
    ]);
    expect(Object.fromEntries(await app.cache.getMany(['a', 'b', 'c', 'd', 'e']))).toEqual({ e: 5 });
    await app.cache.set('a', 1, { tags: ['red'] });
    const undone = app.coordinator.run(async () => {
      await app.cache.evict({ keys: ['e'], tags: ['red'] });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect((await app.cache.getMany(['a', 'e'])).size).toBe(2);
  });

  it('an eviction that names something else, or no list, is refused, and removes nothing', async () => {
    await app.cache.set('a', 1);
    const evict = (evicted: object): Promise<void> => app.cache.evict(evicted);
    await expect(evict({ key: 'a' })).rejects.toThrow("evict has no option 'key'; it has keys, tags");
    await expect(evict({ keys: 'a' })).rejects.toThrow('keys: a list of keys belongs here');
    await expect(evict({ keys: ['a'], tags: 'red' })).rejects.toThrow('tags: a list of names belongs here');
    await expect(evict({ keys: ['a', tagKey('red')] })).rejects.toMatchObject({ code: 'KEY_TEMPLATE' });
    await evict({});
    expect(await app.cache.has('a')).toBe(true);
  });

  it('an entry that has been invalidated is loaded again, also by a call that names no tags', async () => {
    for (const tags of [['t'], []]) {
      await app.cache.getOrLoad('a', () => 'first', { tags: ['t'] });
      await other.cache.invalidateTags('t');
      expect(await app.cache.getOrLoad('a', () => 'second', { tags })).toBe('second');
      expect(await app.cache.getOrLoad('a', () => 'third', { tags })).toBe('second');
      await app.cache.delete('a');
    }
  });

  it('G55, I3: what was loaded while its tag was invalidated is cached by nobody', async () => {
    const [begun, end] = [milestone(), milestone()];
    const call = app.cache.getOrLoad(
      'a',
      async () => {
        begun.reach();
        await end.reached;
        return 'older';
      },
      { tags: ['t'] },
    );
    await begun.reached;
    await other.cache.invalidateTags('t');
    end.reach();
    expect(await call).toBe('older');
    expect([await app.cache.get('a'), await other.cache.getOrLoad('a', () => 'newer', { tags: ['t'] })]).toEqual([
      undefined,
      'newer',
    ]);
  });

  it('G55: a tag that got lost vouches for nothing', async () => {
    await app.cache.set('a', 1, { tags: ['t'] });
    await app.cache.invalidateTags('t');
    await app.cache.set('b', 2, { tags: ['t'] });
    await app.store.commit({
      txnId: 'eviction',
      operations: [{ kind: 'delete', key: tagKey('t') }],
      guards: [],
      outcomeTtlMs: 0,
    });
    expect((await app.cache.getMany(['a', 'b'])).size).toBe(0);
    await app.cache.set('c', 3, { tags: ['t'] });
    expect([...(await app.cache.getMany(['a', 'b', 'c'])).keys()]).toEqual(['c']);
  });

  it('a hit with its tags named takes one round trip, and two when they are not', async () => {
    await app.cache.getOrLoad('a', () => 1, { tags: ['t', 'u'] });
    const asked = (): number[] => [app.store.requests('leaseFill').length, app.store.requests('readEntries').length];
    const [leases = 0, reads = 0] = asked();
    await app.cache.getOrLoad('a', () => 2, { tags: ['t', 'u'] });
    expect(asked()).toEqual([leases + 1, reads + 1]);
    await app.cache.get('a');
    expect(asked()).toEqual([leases + 1, reads + 3]);
  });

  it('many entries of a tag that was invalidated are loaded by one call', async () => {
    const asked: (readonly string[])[] = [];
    const load = (keys: readonly string[]): Map<string, string> => {
      asked.push(keys);
      return new Map(keys.map((key) => [key, key]));
    };
    for (const _ of [1, 2]) {
      await app.cache.getOrLoadMany(['a', 'b', 'c'], load, { tags: ['t'] });
      await other.cache.invalidateTags('t');
    }
    expect(asked).toEqual(Array(2).fill(['a', 'b', 'c']));
  });
});

describe('tags in transactions', () => {
  it('are invalidated by its commit, and not without it', async () => {
    await app.cache.set('a', 1, { tags: ['t'] });
    await app.coordinator
      .run(async (txn) => {
        await app.cache.invalidateTags('t');
        expect([await app.cache.get('a'), await other.cache.get('a')]).toEqual([undefined, 1]);
        txn.setRollbackOnly();
      })
      .catch(() => undefined);
    expect(await app.cache.get('a')).toBe(1);
    await app.coordinator.run(async () => {
      await app.cache.invalidateTags('t');
      await app.cache.set('b', 2);
    });
    expect(Object.fromEntries(await other.cache.getMany(['a', 'b']))).toEqual({ b: 2 });
  });

  it('G55: join what it has read: an invalidation meanwhile is a conflict', async () => {
    await app.cache.set('a', 1, { tags: ['t'] });
    const run = app.coordinator.run(async () => {
      await app.cache.get('a');
      await other.cache.invalidateTags('t');
      await app.cache.set('b', 'from a');
    });
    await expect(run).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(await app.cache.has('b')).toBe(false);
  });

  it('an entry that it writes under a tag of its own invalidation is a miss after the commit', async () => {
    await app.coordinator.run(async () => {
      await app.cache.invalidateTags('t');
      await app.cache.set('a', 1, { tags: ['t'] });
      expect(await app.cache.get('a')).toBe(1);
    });
    expect(await app.cache.get('a')).toBeUndefined();
  });

  it('what it loads in place of an invalidated entry is its view of the key', async () => {
    await app.cache.set('a', 'old', { tags: ['t'] });
    await other.cache.invalidateTags('t');
    await app.coordinator.run(async () => {
      expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
      expect([await app.cache.getOrLoad('a', () => 'again'), await app.cache.get('a')]).toEqual(['loaded', 'loaded']);
    });
    expect(await app.cache.get('a')).toBeUndefined();
  });
});

describe('keys of tags', () => {
  it('are refused to everybody else', async () => {
    const key = tagKey('t');
    for (const call of [
      () => app.cache.get(key),
      () => app.cache.set(key, 1),
      () => app.cache.delete(key),
      () => app.cache.getOrLoad(key, () => 1),
      () => app.cache.update(key, () => 1),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'KEY_TEMPLATE' });
  });

  it('refuses what is no name', async () => {
    await expect(app.cache.invalidateTags('')).rejects.toMatchObject({ code: 'KEY_TEMPLATE' });
    await expect(app.cache.set('a', 1, { tags: ['x'.repeat(510)] })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(app.cache.set('a', 1, { tags: 'red' as never })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('a namespace', () => {
  it('is a cache of its own, cleared by one write', async () => {
    const [tenant, theirs] = [app.cache.namespace('tenant-7'), other.cache.namespace('tenant-8')];
    await tenant.set('a', 1);
    await tenant.setMany({ b: 2 });
    await theirs.set('a', 'theirs');
    expect(await tenant.getOrLoad('c', () => 3, { tags: ['t'] })).toBe(3);
    const load = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, `loaded ${key}`]));
    expect([...(await tenant.getOrLoadMany(['a', 'd'], load))]).toEqual([
      ['a', 1],
      ['d', 'loaded d'],
    ]);
    expect(await tenant.update<number>('a', (n = 0) => n + 1)).toBe(2);
    expect([await tenant.get('a'), await tenant.has('x'), await app.cache.get(tenant.keyOf('a'))]).toEqual([
      2,
      false,
      2,
    ]);
    await tenant.delete('d');
    expect([...(await tenant.getMany(['a', 'b', 'c', 'd'])).keys()]).toEqual(['a', 'b', 'c']);
    const before = app.commits().length;
    await tenant.clear();
    expect(app.commits().length).toBe(before + 1);
    expect([...(await tenant.getMany(['a', 'b', 'c'])), await theirs.get('a')]).toEqual(['theirs']);
  });

  it('is cleared by the transaction, or not at all', async () => {
    const tenant = app.cache.namespace('tenant-7');
    await tenant.set('a', 1);
    const failed = app.coordinator.run(async () => {
      await tenant.clear();
      throw new Error('undone');
    });
    await expect(failed).rejects.toThrow('undone');
    expect(await tenant.get('a')).toBe(1);
  });

  it('has a name, and the tags of its writes are a list', async () => {
    const wrong = app.cache.namespace('tenant-7').set('1', 'a', { tags: 'red' as never });
    await expect(wrong).rejects.toThrow('tags: a list of names belongs here');
    expect(() => app.cache.namespace('')).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
