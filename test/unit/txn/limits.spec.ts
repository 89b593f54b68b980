import { beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../../src/store/limits.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

const exceeded = expect.objectContaining({ code: 'LIMIT_EXCEEDED' });
const keys = (count: number, prefix = 'k'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const entries = (count: number, value: unknown = 1): Map<string, unknown> =>
  new Map(keys(count).map((key) => [key, value]));
const kib = (count: number): string => 'x'.repeat(count * 1_024 - 2);

let app: TxnProcess;

beforeEach(async () => {
  app = await new TxnWorld().process();
});

/** Runs in a transaction and outside of one. */
const places: readonly (readonly [string, (work: () => Promise<unknown>) => Promise<unknown>])[] = [
  ['in a transaction', (work) => app.coordinator.run(work)],
  ['outside of a transaction', (work) => work()],
];

describe.each(places)('G25: %s', (_where, within) => {
  it.each<[string, () => Promise<unknown>]>([
    ['a read of 129 keys', () => app.cache.getMany(keys(129))],
    ['a write of 129 keys', () => app.cache.setMany(entries(129))],
    ['a delete of 129 keys', () => app.cache.delete(...keys(129))],
    ['a key of 513 bytes', () => app.cache.get('é'.repeat(256) + 'x')],
    ['a key of 513 bytes to write', () => app.cache.set('x'.repeat(513), 1)],
    ['a value over 1 MiB', () => app.cache.set('a', kib(1_024) + 'x')],
    ['values over 8 MiB together', () => app.cache.setMany(entries(9, kib(1_000)))],
  ])('%s is refused before anything is sent', async (_what, work) => {
    await within(async () => {
      await expect(work()).rejects.toEqual(exceeded);
    });
    expect(app.store.count()).toBe(0);
  });

  it('what just fits is taken', async () => {
    await within(() => app.cache.getMany(keys(128)));
    await within(() => app.cache.setMany(entries(128)));
    await within(() => app.cache.get('é'.repeat(256)));
    await within(() => app.cache.set('a', kib(1_024)));
    await within(() => app.cache.setMany(entries(8, kib(1_024))));
    await within(() => app.cache.delete(...keys(128)));
    expect(Buffer.byteLength(JSON.stringify(kib(1_024)))).toBe(LIMITS.valueBytes);
  });

  it.each(['', '{}', 'a{b', 'a}b{', '{a}{b}', 'lone \uD800', undefined, null, 7, ['a'], {}])(
    '%j is refused as a key before anything is sent',
    async (key) => {
      const unusable = expect.objectContaining({ code: 'KEY_TEMPLATE' });
      await within(async () => {
        const calls: (() => Promise<unknown>)[] = [
          () => app.cache.get(key as string),
          () => app.cache.getMany(['a', key as string]),
          () => app.cache.getEntry(key as string),
          () => app.cache.has(key as string),
          () => app.cache.set(key as string, 1),
          () => app.cache.delete('a', key as string),
          () => app.cache.update(key as string, () => 1),
          () => app.versions.current(key as string),
          () => app.versions.bump(key as string),
          () => app.versions.compareAndSet(key as string, 0, 1),
        ];
        for (const call of calls) await expect(call()).rejects.toEqual(unusable);
      });
      expect(app.store.count()).toBe(0);
    },
  );
});

describe('a transaction that passes a limit', () => {
  it('G25: counts the keys of all its reads and writes', async () => {
    await app.coordinator.run(async () => {
      await app.cache.getMany(keys(100, 'r'));
      await app.cache.setMany(entries(28));
      await expect(app.cache.get('one too many')).rejects.toEqual(exceeded);
      await expect(app.cache.set('one too many', 1)).rejects.toEqual(exceeded);
      await app.cache.getMany([...keys(100, 'r'), ...keys(28)]);
    });
    expect(app.store.requests<string[]>('readEntries').flat()).toHaveLength(100);
    expect(app.commits()[0]?.operations).toHaveLength(128);
  });

  it('G25: writes all of several entries or none of them', async () => {
    await app.coordinator.run(async () => {
      await app.cache.set('a', 1);
      await expect(app.cache.setMany(entries(128))).rejects.toEqual(exceeded);
      expect(await app.cache.getMany(keys(10))).toEqual(new Map());
    });
    expect(app.commits().map(({ operations }) => operations.length)).toEqual([11]);
  });

  it('G25: has the limits of the module, for one write of its own as well', async () => {
    const small = await new TxnWorld().process({ txn: { maxKeys: 2, maxBytes: 10 } });
    for (const within of [
      (work: () => Promise<unknown>) => small.coordinator.run(work),
      (work: () => Promise<unknown>) => work(),
    ]) {
      await within(async () => {
        await expect(small.cache.setMany(entries(3))).rejects.toEqual(exceeded);
        await expect(small.cache.getMany(keys(3))).rejects.toEqual(exceeded);
        await expect(small.cache.set('a', 'x'.repeat(9))).rejects.toEqual(exceeded);
      });
      await within(() => small.cache.setMany({ a: 'xxx', b: 'xxx' }));
    }
  });

  it.each([0, 129, 1.5, Number.NaN])('maxKeys %d is refused at boot', async (maxKeys) => {
    await expect(new TxnWorld().process({ txn: { maxKeys } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it.each([0, 8_388_609])('maxBytes %d is refused at boot', async (maxBytes) => {
    await expect(new TxnWorld().process({ txn: { maxBytes } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
