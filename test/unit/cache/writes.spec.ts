import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Duration } from '../../../src/base/duration.js';
import { StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ cache: { ttl: '2s' } });
  other = await world.process();
});

const present = async (...keys: string[]): Promise<string[]> => [...(await other.cache.getMany(keys)).keys()];

/** Runs in a transaction and outside of one. */
const places: readonly (readonly [string, (work: () => Promise<unknown>) => Promise<unknown>])[] = [
  ['in a transaction', (work) => app.coordinator.run(work)],
  ['outside of a transaction', (work) => work()],
];

describe.each(places)('the time to live %s', (_where, within) => {
  it('is that of the write, else that of the module; 0 is for ever', async () => {
    await within(async () => {
      await app.cache.set('second', 1, { ttl: '1s' });
      await app.cache.set('module', 1);
      await app.cache.setMany({ many: 1 }, { ttl: 3_000 });
      await app.cache.update('updated', () => 1, { ttl: '4s' });
      await app.cache.set('ever', 1, { ttl: 0 });
    });
    const seen: string[][] = [];
    for (let second = 1; second <= 4; second++) {
      await world.elapse(999);
      seen.push(await present('second', 'module', 'many', 'updated', 'ever'));
      await world.elapse(1);
    }
    expect(seen).toEqual([
      ['second', 'module', 'many', 'updated', 'ever'],
      ['module', 'many', 'updated', 'ever'],
      ['many', 'updated', 'ever'],
      ['updated', 'ever'],
    ]);
    await world.elapse(365 * 86_400_000);
    expect(await present('second', 'module', 'many', 'updated', 'ever')).toEqual(['ever']);
  });

  it('counts anew from the last write, which may also end it', async () => {
    await within(() => app.cache.set('a', 1, { ttl: '1s' }));
    await world.elapse(900);
    await within(() => app.cache.set('a', 2));
    await world.elapse(1_900);
    expect(await present('a')).toEqual(['a']);
    await within(() => app.cache.set('a', 3, { ttl: 0 }));
    await world.elapse(86_400_000);
    expect(await present('a')).toEqual(['a']);
  });

  it.each<Duration>([-1, -0.4, Number.NaN, Infinity, '1w' as '1d', '', '366d', '-1s'] as Duration[])(
    '%j is refused before anything is sent',
    async (ttl) => {
      await within(async () => {
        for (const write of [() => app.cache.set('a', 1, { ttl }), () => app.cache.setMany({ a: 1 }, { ttl })]) {
          await expect(write()).rejects.toMatchObject({ code: 'INVALID_OPTIONS', details: { option: 'cache.ttl' } });
        }
      });
      expect(app.store.count('commit')).toBe(0);
    },
  );

  it('of less than a millisecond is one, not for ever', async () => {
    await within(() => app.cache.set('a', 1, { ttl: 0.3 }));
    await world.elapse(2);
    expect(await present('a')).toEqual([]);
  });
});

describe('the time to live of the module', () => {
  it('is ten minutes where nobody says otherwise', async () => {
    await other.cache.set('a', 1);
    await world.elapse(599_999);
    expect(await present('a')).toEqual(['a']);
    await world.elapse(1);
    expect(await present('a')).toEqual([]);
  });

  it.each([-1, 'soon'] as Duration[])('%j stops the boot', async (ttl) => {
    await expect(world.process({ cache: { ttl } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe.each(places)('a value %s', (_where, within) => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a cycle', cycle],
    ['a cycle in a Map', new Map([['a', cycle]])],
    [
      'one whose toJSON throws',
      {
        toJSON: () => {
          throw new Error('mine');
        },
      },
    ],
    ['one whose toJSON gives nothing', { toJSON: () => undefined }],
  ])('that no text can hold is refused with its key: %s', async (_what, value) => {
    await within(async () => {
      const refused = { code: 'INVALID_OPTIONS', details: { key: 'a' } };
      await expect(app.cache.set('a', value)).rejects.toMatchObject(refused);
      await expect(app.cache.setMany({ ok: 1, a: value })).rejects.toMatchObject(refused);
      await expect(app.cache.update('a', () => value)).rejects.toMatchObject(refused);
    });
    expect(await present('a', 'ok')).toEqual([]);
  });

  it.each([
    ['what toJSON makes of it', { toJSON: () => ({ made: true }) }, { made: true }],
    ['text of any kind', 'é\u0000\u2028😀"\\', 'é\u0000\u2028😀"\\'],
    ['a lone surrogate', '\uD800', '\uD800'],
    ['undefined inside', { a: undefined, b: [undefined, 1] }, { a: undefined, b: [undefined, 1] }],
    ['a date', new Date(0), new Date(0)],
    ['a Map, a Set, a bigint', [new Map([[1n, new Set(['a'])]])], [new Map([[1n, new Set(['a'])]])]],
    ['bytes', { base: Buffer.from('a') }, { base: Buffer.from('a') }],
  ])('comes back as JSON has it: %s', async (_what, value, expected) => {
    await within(() => app.cache.set('a', value));
    expect(await other.cache.get('a')).toStrictEqual(expected);
  });

  it.each<[string, unknown]>([
    ['of Node', Readable.from(['text'])],
    ['of the web', new ReadableStream()],
    ['a StreamableFile', new StreamableFile(Buffer.from('file'))],
    ['an observable', of(1)],
  ])('that is a stream is refused: %s', async (_what, stream) => {
    await within(async () => {
      const refused = /^the value of a: a stream cannot be cached; return its data, or cache what it is made of$/;
      await expect(app.cache.set('a', stream)).rejects.toThrow(refused);
      await expect(app.cache.update('a', () => stream)).rejects.toThrow(refused);
      await expect(app.cache.getOrLoad('a', () => stream)).rejects.toThrow(refused);
    });
    await expect(app.versions.compareAndSet('a', 0, stream)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await present('a')).toEqual([]);
  });

  it('with __proto__ in it or as its key pollutes nothing', async () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}');
    const entries = JSON.parse('{"__proto__":"entry","constructor":"other"}') as Record<string, unknown>;
    await within(async () => {
      await app.cache.set('a', hostile);
      await app.cache.setMany(entries);
      await app.cache.update('a', (current) => current);
    });
    const found = await other.cache.getMany<object>(['a', '__proto__', 'constructor']);
    expect(JSON.stringify(found.get('a'))).toBe(JSON.stringify(hostile));
    expect([found.get('__proto__'), found.get('constructor')]).toEqual(['entry', 'other']);
    expect(Object.getPrototypeOf(found.get('a'))).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('options with __proto__ in them', () => {
  it('are taken for nothing', async () => {
    const hostile = JSON.parse('{"__proto__":{"ttl":1,"readOnly":true,"propagation":"never","attempts":1}}') as object;
    await app.cache.set('a', 1, hostile);
    await app.coordinator.runWithRetry({ ...hostile, retry: hostile }, () => app.cache.set('b', 1, { ...hostile }));
    await world.elapse(1_000);
    expect(await present('a', 'b')).toEqual(['a', 'b']);
    expect(({} as Record<string, unknown>)['ttl']).toBeUndefined();
  });
});

describe('several writes at once', () => {
  it('take a Map or an object', async () => {
    await app.cache.setMany(new Map([['a', 1]]));
    await app.cache.setMany({ b: 2 });
    await app.cache.setMany(Object.assign(Object.create({ inherited: 1 }) as object, { c: 3 }));
    expect(await present('a', 'b', 'c', 'inherited')).toEqual(['a', 'b', 'c']);
  });

  it('G14: outside of a transaction are visible together: one reader sees all or none', async () => {
    await app.cache.setMany({ a: 1, b: 1 });
    expect(app.store.count('commit')).toBe(1);
    await app.cache.delete('a', 'b', 'absent');
    expect([app.store.count('commit'), await present('a', 'b')]).toEqual([2, []]);
  });
});
