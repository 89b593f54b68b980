import { beforeEach, describe, expect, it } from '@jest/globals';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

describe('the reads of a transaction', () => {
  it('G15: see its own writes and deletes', async () => {
    await other.cache.setMany({ a: 1, b: 1 });
    await app.coordinator.run(async () => {
      await app.cache.set('a', 2);
      await app.cache.delete('b');
      await app.cache.setMany({ c: 3 });
      expect(await app.cache.getMany(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', 2],
          ['c', 3],
        ]),
      );
      expect(await Promise.all(['a', 'b', 'c'].map((key) => app.cache.has(key)))).toEqual([true, false, true]);
      expect(await app.cache.update<number>('a', (n = 0) => n + 1)).toBe(3);
      await app.cache.set('b', 'again');
      expect(await app.cache.get('b')).toBe('again');
    });
    expect(await other.cache.getMany(['a', 'b', 'c'])).toEqual(
      new Map<string, unknown>([
        ['a', 3],
        ['b', 'again'],
        ['c', 3],
      ]),
    );
  });

  it('G15: repeat what they first saw, a miss included, whatever others commit', async () => {
    await other.cache.set('a', 1);
    const seen: unknown[] = [];
    const running = app.coordinator.run(async () => {
      seen.push(await app.cache.get('a'), await app.cache.get('b'));
      await other.cache.setMany({ a: 2, b: 2 });
      seen.push(
        await app.cache.get('a'),
        ...(await app.cache.getMany(['a', 'b'])).values(),
        await app.versions.current('b'),
      );
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(seen).toEqual([1, undefined, 1, 1, 0]);
  });

  it('G15: of one key at the same time see the same, also when the answers differ', async () => {
    await other.cache.set('a', 1);
    const slow = milestone();
    app.store.next('readEntries', async (run) => {
      const early = await run();
      await slow.reached;
      return early;
    });
    const running = app.coordinator.run({ isolation: 'read-committed' }, async () => {
      const first = app.cache.get('a');
      await other.cache.set('a', 2);
      const second = await app.cache.get('a');
      slow.reach();
      return [await first, second, await app.cache.get('a')];
    });
    await expect(running).resolves.toEqual([2, 2, 2]);
  });

  it('G15: fetch each key once, and several keys in one round trip', async () => {
    await app.coordinator.run(async () => {
      await app.cache.getMany(['a', 'b', 'a']);
      await app.cache.getMany(['b', 'c', 'a']);
      await app.cache.set('d', 1);
      await app.cache.get('d');
    });
    expect(app.store.requests('readEntries')).toEqual([['a', 'b'], ['c']]);
  });

  it('G29: come as value and version of one read', async () => {
    await other.cache.set('a', 1);
    const version = await other.versions.current('a');
    const running = app.coordinator.run(async () => {
      const entry = await app.cache.getEntry('a');
      await other.cache.set('a', 2);
      return [entry, await app.cache.getEntry('a'), await app.versions.current('a')];
    });
    await expect(running).rejects.toThrow();
    await app.coordinator.run({ isolation: 'read-committed' }, async () => {
      const before = await app.cache.getEntry('a');
      await app.cache.set('a', 'mine');
      expect(await app.cache.getEntry('a')).toEqual({ value: 'mine', version: before?.version });
      expect(before?.version).toBeGreaterThan(version);
    });
  });
});

describe('the writes of a transaction', () => {
  it('G14: are invisible before its commit and all visible after it', async () => {
    await other.cache.set('c', 1);
    await app.coordinator.run(async () => {
      await app.cache.setMany({ a: 1, b: 1 });
      await app.cache.delete('c');
      expect(await other.cache.getMany(['a', 'b', 'c'])).toEqual(new Map([['c', 1]]));
    });
    expect(await other.cache.getMany(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
  });

  it('G14: never show when its function throws, and its error passes through untouched', async () => {
    const mine = new Error('mine');
    const running = app.coordinator.run(async () => {
      await app.cache.setMany({ a: 1, b: 1 });
      throw mine;
    });
    await expect(running).rejects.toBe(mine);
    expect(app.store.count('commit')).toBe(0);
    expect((await other.cache.getMany(['a', 'b'])).size).toBe(0);
  });

  it('G19: go out in one commit, whatever their number, and none go out without writes and reads', async () => {
    await app.coordinator.run(async () => {
      for (let i = 0; i < 100; i++) await app.cache.set(`k${i}`, i);
    });
    await app.coordinator.run(async () => undefined);
    expect(app.commits().map(({ operations }) => operations.length)).toEqual([100]);
  });

  it('are refused when it is read-only; it ends well all the same when it gives up writing', async () => {
    await other.cache.set('a', 1);
    const refused = expect.objectContaining({ code: 'TXN_STATE', details: expect.objectContaining({ keys: ['a'] }) });
    const running = app.coordinator.run({ readOnly: true }, async () => {
      await expect(app.cache.set('a', 2)).rejects.toEqual(refused);
      await expect(app.cache.delete('a')).rejects.toEqual(refused);
      await expect(app.cache.update('a', () => 3)).rejects.toEqual(refused);
      return app.cache.get('a');
    });
    await expect(running).resolves.toBe(1);
    expect(app.commits().map(({ operations }) => operations.map(({ kind }) => kind))).toEqual([['check']]);
  });

  it('G24: outside are commits of their own, one for each call', async () => {
    await app.cache.set('a', 1);
    await app.cache.setMany(
      new Map([
        ['b', 1],
        ['c', 1],
      ]),
    );
    await app.cache.delete('a', 'b', 'a');
    await app.cache.delete();
    await app.cache.setMany({});
    expect(app.commits().map(({ operations }) => operations.map(({ kind, key }) => `${kind} ${key}`))).toEqual([
      ['put a'],
      ['put b', 'put c'],
      ['delete a', 'delete b'],
    ]);
  });
});

describe('two applications in one process', () => {
  it('have transactions that know nothing of each other', async () => {
    await app.coordinator.run(async () => {
      await other.cache.set('a', 'theirs, at once');
      expect(other.coordinator.current()).toBeUndefined();
      await app.cache.set('b', 1);
      expect(await other.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'theirs, at once']]));
    });
  });
});
