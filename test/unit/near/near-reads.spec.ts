import { beforeEach, describe, expect, it } from '@jest/globals';
import { tagKey } from '../../../src/cache/tags/tags.js';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process({ cache: { near: true, ttl: '1h' } }), await world.process()];
});

/** Questions to the store so far. */
const asked = (process = app): number =>
  process.store.requests('leaseFill').length + process.store.requests('readEntries').length;

/** How many questions the reads take. */
async function questions(read: () => Promise<unknown>): Promise<number> {
  const before = asked();
  await read();
  return asked() - before;
}

const loadNothing = (): Promise<Map<string, unknown>> => {
  throw new Error('nobody should load');
};

describe('a near copy', () => {
  it('is given without asking the store: by get, getMany, has, getOrLoad and getOrLoadMany', async () => {
    await other.cache.setMany({ a: { n: 1 }, b: 2 });
    await app.cache.getMany(['a', 'b']);
    const reads = await questions(async () => {
      expect([await app.cache.get('a'), await app.cache.getOrLoad('b', loadNothing)]).toEqual([{ n: 1 }, 2]);
      expect(await app.cache.has('a')).toBe(true);
      expect((await app.cache.getEntry('a'))?.version).toBe((await app.versions.current('a')) || undefined);
      expect(Object.fromEntries(await app.cache.getMany(['b', 'a']))).toEqual({ a: { n: 1 }, b: 2 });
      expect((await app.cache.getOrLoadMany(['a', 'b'], loadNothing)).size).toBe(2);
    });
    // The question for the version is one of the version service.
    expect(reads).toBe(1);
  });

  it('is not given to a load, whose value all processes get', async () => {
    await other.cache.set('part', 'old');
    await app.cache.get('part');
    app.store.always('change', gate().lateRequest);
    await other.cache.set('part', 'new');
    const parts = { get: () => app.cache.get('part'), getOrLoad: () => app.cache.getOrLoad('part', loadNothing) };
    for (const [whole, part] of Object.entries(parts)) expect(await app.cache.getOrLoad(whole, part)).toBe('new');
  });

  it('is not made of a value that gets stale by a plain read, which does not know when', async () => {
    const options = { ttl: '1m', staleWhileRevalidate: '1h' } as const;
    await other.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    await app.cache.get('a');
    await app.cache.getOrLoad('a', () => 'second', options);
    await world.settle();
    expect(await other.cache.get('a')).toBe('second');
  });

  it('is made of what was loaded, of a hit, and of what a commit has written', async () => {
    await app.cache.getOrLoad('loaded', () => 1);
    await other.cache.set('hit', 2);
    await app.cache.getOrLoad('hit', loadNothing);
    await app.cache.set('written', 3);
    await app.coordinator.run(() => app.cache.set('committed', 4));
    const keys = ['loaded', 'hit', 'written', 'committed'];
    expect(await questions(() => app.cache.getMany(keys))).toBe(0);
    expect([...(await app.cache.getMany(keys)).values()]).toEqual([1, 2, 3, 4]);
  });

  it('goes when anybody writes or deletes its key, or invalidates its tag', async () => {
    await app.cache.getOrLoad('a', () => 'first', { tags: ['t'] });
    await other.cache.set('a', 'second', { tags: ['t'] });
    expect(await app.cache.get('a')).toBe('second');
    await other.cache.invalidateTags('t');
    expect(await app.cache.get('a')).toBeUndefined();
    expect(await app.cache.getOrLoad('a', () => 'third', { tags: ['t'] })).toBe('third');
    expect(await questions(() => app.cache.getOrLoad('a', loadNothing, { tags: ['t'] }))).toBe(0);
    await other.cache.delete('a');
    expect(await app.cache.get('a')).toBeUndefined();
  });

  it('goes with its own write before that is answered, whatever becomes of the message', async () => {
    app.store.always('change', gate().lateRequest);
    await app.cache.set('a', 1);
    await app.cache.get('a');
    await app.cache.set('a', 2);
    expect(await app.cache.get('a')).toBe(2);
    await app.cache.delete('a');
    expect(await app.cache.get('a')).toBeUndefined();
  });

  it('is not made of what was read before a change that is heard meanwhile', async () => {
    await other.cache.set('a', 'old');
    const answer = gate();
    app.store.next('readEntries', answer.lateReply);
    const read = app.cache.get('a');
    await world.settle();
    await other.cache.set('a', 'new');
    answer.open();
    expect(await read).toBe('old');
    expect(await app.cache.get('a')).toBe('new');
  });

  it('is not made of what was loaded and not published, because its key was written meanwhile', async () => {
    // The change is not heard of.
    app.store.always('change', gate().lateRequest);
    const load = async (): Promise<string> => {
      await other.cache.set('a', 'written');
      return 'older';
    };
    expect(await app.cache.getOrLoad('a', load)).toBe('older');
    expect([app.near?.size, await app.cache.get('a')]).toEqual([0, 'written']);
  });

  it('goes with a write of its process of which nobody knows whether it was made', async () => {
    await app.cache.set('a', 'old');
    app.store.always('change', gate().lateRequest);
    app.store.next('commit', lostReply);
    app.store.always('resolveCommit', unavailable);
    const write = app.cache.set('a', 'new');
    await expect(world.finish(write)).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
    expect(await app.cache.get('a')).toBe('new');
  });

  it('is not made of a key with a prepared write beside it', async () => {
    await other.cache.set('a', 'old');
    const intent = {
      txnId: 'prepared',
      decider: 'a',
      operations: [{ kind: 'put', key: 'a', value: '"new"', ttlMs: 0, strategy: 'timestamp' }] as const,
      guards: [],
      leftMs: 60_000,
      guardMs: 0,
    };
    await other.store.prepare(intent);
    expect(await app.cache.get('a')).toBe('old');
    expect(app.near?.size).toBe(0);
  });

  it('ends with its entry, and after near.ttl', async () => {
    const brief = await world.process({ cache: { near: { ttl: '5s' } } });
    await other.cache.set('a', 1, { ttl: '2s' });
    await other.cache.set('b', 2, { ttl: '1h' });
    const reads = async (): Promise<unknown[]> => [await app.cache.get('a'), await brief.cache.get('b')];
    await reads();
    await world.elapse(1_999);
    expect([await questions(reads), await reads()]).toEqual([0, [1, 2]]);
    await world.elapse(1);
    expect(await reads()).toEqual([undefined, 2]);
    await world.elapse(3_000);
    const before = asked(brief);
    await brief.cache.get('b');
    expect(asked(brief)).toBe(before + 1);
  });

  it.each([
    ['2s', '1h'],
    ['1h', '2s'],
  ] as const)('ends then, however long the answer took: entry %s, near.ttl %s', async (ttl, nearTtl) => {
    const slow = await world.process({ cache: { near: { ttl: nearTtl } } });
    await other.cache.set('a', 'old', { ttl });
    const answers = [gate(), gate()] as const;
    slow.store.next('readEntries', answers[0].lateReply);
    slow.store.next('leaseFill', answers[1].lateReply);
    const reads = [slow.cache.get('a'), slow.cache.getOrLoad('a', loadNothing)];
    await world.elapse(1_500);
    for (const { open } of answers) open();
    expect(await Promise.all(reads)).toEqual(['old', 'old']);
    slow.store.always('change', gate().lateRequest);
    await other.cache.delete('a');
    expect(await slow.cache.get('a')).toBe('old');
    await world.elapse(500);
    expect(await slow.cache.get('a')).toBeUndefined();
  });

  it('ends when its value gets stale, and as long before as it is refreshed', async () => {
    const options = { ttl: '10s', staleWhileRevalidate: '1h', refreshAhead: '3s' } as const;
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(6_999);
    expect(await questions(() => app.cache.getOrLoad('a', loadNothing, options))).toBe(0);
    await world.elapse(1);
    expect(await app.cache.getOrLoad('a', () => 'second', options)).toBe('first');
    await world.settle();
    expect(await app.cache.getOrLoad('a', loadNothing, options)).toBe('second');
  });

  it('remembers that there is none', async () => {
    await app.cache.getOrLoad('a', () => undefined, { negativeTtl: '5s' });
    const again = (): Promise<unknown> => app.cache.getOrLoad('a', loadNothing, { negativeTtl: '5s' });
    expect(await questions(again)).toBe(0);
    await world.elapse(5_000);
    await expect(again()).rejects.toThrow('nobody should load');
  });

  it('makes room for others, by number and by bytes', async () => {
    const few = await world.process({ cache: { near: { maxEntries: 2 } } });
    const small = await world.process({ cache: { near: { maxBytes: 2_000 } } });
    for (const { cache, near } of [few, small]) {
      for (const key of ['a', 'b', 'c']) await cache.set(key, 'x'.repeat(500));
      expect(near?.size).toBe(2);
      await cache.set('large', 'x'.repeat(3_000));
      expect(await cache.get('large')).toHaveLength(3_000);
    }
    expect(small.near?.get('large')).toBeUndefined();
  });

  it('counts bytes, not characters', async () => {
    const { cache, near } = await world.process({ cache: { near: { maxBytes: 2_000 } } });
    for (const key of ['a', 'b', 'c']) await cache.set(key, '€'.repeat(170));
    expect(near?.size).toBe(2);
  });

  it('of what cannot be read is none, and the entry is replaced', async () => {
    await other.store.commit({
      txnId: 'foreign',
      operations: [{ kind: 'put', key: 'a', value: '{broken', ttlMs: 0, strategy: 'timestamp' }],
      guards: [],
      outcomeTtlMs: 0,
    });
    expect(await app.cache.get('a')).toBeUndefined();
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
    expect(await questions(() => app.cache.getOrLoad('a', loadNothing))).toBe(0);
  });
});

describe('values', () => {
  it('cloned: every caller has its own', async () => {
    await app.cache.set('a', { list: [1] });
    const [one, two] = [await app.cache.get<{ list: number[] }>('a'), await app.cache.get<{ list: number[] }>('a')];
    one?.list.push(2);
    expect([two, await app.cache.get('a')]).toEqual([{ list: [1] }, { list: [1] }]);
  });

  it('frozen: all share one that nobody can change; what cannot be frozen is cloned', async () => {
    const { cache } = await world.process({ cache: { near: { values: 'frozen' } } });
    await cache.setMany({ plain: { list: [{ n: 1 }] }, dated: { at: new Date(0) } });
    const plain = await cache.get<{ list: { n: number }[] }>('plain');
    expect(await cache.getOrLoad('plain', loadNothing)).toBe(plain);
    expect(() => plain?.list.push({ n: 2 })).toThrow(TypeError);
    expect(Object.isFrozen(plain?.list[0])).toBe(true);
    expect(await cache.get('dated')).not.toBe(await cache.get('dated'));
    expect(await cache.get('dated')).toEqual({ at: new Date(0) });
  });
});

describe('who must not get a copy', () => {
  beforeEach(async () => {
    await app.cache.set('a', 'old');
    // The change is not heard of.
    app.store.always('change', gate().lateRequest);
    await other.cache.set('a', 'new');
    expect(await app.cache.get('a')).toBe('old');
  });

  it('G57: a call under a lock', async () => {
    await app.locks.withLock('l', async () => {
      expect([await app.cache.get('a'), await app.cache.getOrLoad('a', loadNothing)]).toEqual(['new', 'new']);
      expect(await app.coordinator.run(() => app.cache.get('a'))).toBe('new');
    });
  });

  it('a read that asks for the primary, or for a replica', async () => {
    for (const readFrom of ['primary', 'replica'] as const) {
      expect(await app.cache.get('a', { readFrom })).toBe('new');
      expect([...(await app.cache.getMany(['a'], { readFrom })).values()]).toEqual(['new']);
    }
    expect(await app.cache.get('a')).toBe('old');
  });

  it('G57: the version service, a conditional request, and a transaction that does not compare what it reads', async () => {
    expect(await app.versions.current('a')).toBe(await other.versions.current('a'));
    expect(await app.coordinator.run({ isolation: 'read-committed' }, () => app.cache.get('a'))).toBe('new');
    const [record] = await app.store.readEntries(['a']);
    const resource = new ResourceCall('a', app.store, false, undefined);
    resource.prefetch(record);
    expect(await withResource(resource, () => app.cache.get('a'))).toBe('new');
  });

  it('G57: a serializable transaction conflicts, and its next attempt reads what is there', async () => {
    const seen: unknown[] = [];
    const work = async (): Promise<void> => {
      seen.push(await app.cache.get('a'));
      await app.cache.set('b', 'from a');
    };
    await world.finish(app.coordinator.runWithRetry(work));
    expect(seen).toEqual(['old', 'new']);
    expect(await app.coordinator.run({ readOnly: true }, () => app.cache.get('a'))).toBe('new');
  });
});

describe('a hot transaction', () => {
  it('asks the store for nothing but its commit', async () => {
    await app.cache.setMany({ a: 1, b: 2, c: 3, d: 4, sum: 0 });
    const before = app.store.calls.length;
    for (let round = 1; round <= 3; round += 1) {
      await app.coordinator.run(async () => {
        const values = await app.cache.getMany<number>(['a', 'b', 'c', 'd', 'sum']);
        await app.cache.set(
          'sum',
          [...values.values()].reduce((sum, n) => sum + n),
        );
      });
    }
    expect(app.store.calls.slice(before).map(({ operation }) => operation)).toEqual(Array(3).fill('commit'));
    expect(await other.cache.get('sum')).toBe(30);
  });

  it('compares the tags of what it has read', async () => {
    await app.cache.set('a', 1, { tags: ['t'] });
    await app.cache.get('a');
    app.store.always('change', gate().lateRequest);
    await other.cache.invalidateTags('t');
    const run = app.coordinator.run(async () => {
      await app.cache.get('a');
      await app.cache.set('b', 2);
    });
    await expect(run).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: [tagKey('t')] } });
  });
});

describe('while changes are not heard of', () => {
  beforeEach(() => app.cache.set('a', 1));

  it('bypass: nothing is given, and all is thrown away', async () => {
    app.store.down();
    expect(await questions(() => app.cache.get('a'))).toBe(1);
    expect(await questions(() => app.cache.get('a'))).toBe(1);
    app.store.gap();
    expect(await questions(() => app.cache.get('a'))).toBe(1);
    expect(await questions(() => app.cache.get('a'))).toBe(0);
  });

  it.each([
    ['serve', 20_000],
    ['5s', 5_000],
  ] as const)('%s: goes on for as long', async (whileDisconnected, forMs) => {
    const deaf = await world.process({ cache: { near: { whileDisconnected } } });
    await deaf.cache.set('a', 1);
    deaf.store.down();
    await world.elapse(forMs - 1);
    const before = asked(deaf);
    await deaf.cache.get('a');
    expect(asked(deaf)).toBe(before);
    await world.elapse(whileDisconnected === 'serve' ? 20_000 : 1);
    await deaf.cache.get('a');
    expect(asked(deaf)).toBe(before + 1);
    deaf.store.gap();
    await deaf.cache.get('a');
    expect(asked(deaf)).toBe(before + 2);
  });

  it('a reading that a gap interrupts is kept by nobody', async () => {
    const answer = gate();
    await app.cache.delete('a');
    await other.cache.set('a', 2);
    app.store.next('readEntries', answer.lateReply);
    const read = app.cache.get('a');
    await world.settle();
    app.store.gap();
    answer.open();
    expect([await read, app.near?.size]).toEqual([2, 0]);
  });
});

describe('near options', () => {
  it.each([
    { maxEntries: 0 },
    { maxBytes: 1 },
    { ttl: 0 },
    { values: 'shared' as never },
    { whileDisconnected: 'never' as never },
    { size: 1 } as never,
  ])('refuses %p', async (near) => {
    await expect(world.process({ cache: { near } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
