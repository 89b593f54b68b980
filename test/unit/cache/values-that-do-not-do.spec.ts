import { beforeEach, describe, expect, it } from '@jest/globals';
import { tagKey } from '../../../src/cache/tags/tags.js';
import type { ActiveTransaction } from '../../../src/txn/active-transaction.js';
import { unavailable } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

describe('a store that takes no writes', () => {
  beforeEach(async () => {
    await other.cache.set('a', 'what no other codec reads', { tags: ['t'] });
  });

  it('gives no value in place of one that cannot be read: it is loaded', async () => {
    const decode = (text: string): string => {
      if (text !== 'x') throw new Error('of another codec');
      return 'loaded';
    };
    const strict = await world.process({ cache: { codec: { name: 'strict', encode: () => 'x', decode } } });
    strict.store.always('leaseFill', unavailable);
    expect(await strict.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
  });

  it('is not asked again and again for one whose tag was invalidated', async () => {
    await other.cache.invalidateTags('t');
    app.store.always('leaseFill', unavailable);
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
    expect(app.store.count('leaseFill')).toBe(2);
  });
});

describe('that there is none', () => {
  it('is not looked for early', async () => {
    let calls = 0;
    const none = (): undefined => {
      calls += 1;
    };
    const options = { negativeTtl: '5s', refreshAhead: '10s', xfetch: 100 } as const;
    for (const _ of [1, 2, 3]) {
      await app.cache.getOrLoad('a', none, options);
      await world.settle();
    }
    expect(calls).toBe(1);
  });
});

describe('a transaction that invalidates a tag', () => {
  const tags = ['t'];

  it('sees no more what it has loaded with it before', async () => {
    await app.coordinator.run(async () => {
      expect(await app.cache.getOrLoad('a', () => 'old', { tags })).toBe('old');
      expect(await app.cache.getOrLoad('b', () => 'other', { tags: ['u'] })).toBe('other');
      await app.cache.invalidateTags('t');
      expect([await app.cache.get('a'), await app.cache.get('b')]).toEqual([undefined, 'other']);
      expect(await app.cache.getOrLoad('a', () => 'new', { tags })).toBe('new');
    });
  });

  it('sees no value whose tag was invalidated because it gives its key a new version', async () => {
    await app.cache.set('a', 'old', { tags });
    await other.cache.invalidateTags('t');
    await app.coordinator.run(async (txn) => {
      (txn as ActiveTransaction).write([['a', { kind: 'bump', ttlMs: 0 }]]);
      expect(await app.cache.get('a')).toBeUndefined();
    });
  });

  it('does so in a nested part, and undoes it with the part', async () => {
    await app.coordinator.run(async () => {
      await app.cache.getOrLoad('a', () => 'old', { tags });
      const part = app.coordinator.run({ propagation: 'nested' }, async () => {
        await app.cache.invalidateTags('t');
        expect(await app.cache.getOrLoad('a', () => 'new', { tags })).toBe('new');
        throw new Error('undone');
      });
      await expect(part).rejects.toThrow('undone');
      expect(await app.cache.get('a')).toBe('old');
    });
  });
});

it('G55: versions of tags come from the time, also where others are counted: a failover that loses some brings none back', async () => {
  const counting = await world.process({ version: { strategy: 'counter' } });
  await counting.cache.set('a', 1, { tags: ['t'] });
  const [made] = await counting.store.readEntries([tagKey('t')]);
  await world.elapse(10);
  await counting.cache.invalidateTags('t');
  const [now] = await counting.store.readEntries([tagKey('t')]);
  expect(now!.version - made!.version).toBeGreaterThan(5_000);
});
