import { beforeEach, describe, expect, it } from '@jest/globals';
import { CacheTxnModule, type Codec, jsonCodec } from 'nestjs-cache-txn';
import { CacheTxnTestingModule, TestWorld } from 'nestjs-cache-txn/testing';
import { Test } from '@nestjs/testing';
import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { storeOf } from '../../../src/testing/store-of.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

/** JSON in hexadecimal, and what the test does to it. */
class Hexadecimal implements Codec {
  readonly name = 'hex';
  encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('hex');
  decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'hex').toString());
}

let codec: Hexadecimal;
let app: TxnProcess;
let plain: TxnProcess;
beforeEach(async () => {
  codec = new Hexadecimal();
  const world = new TxnWorld();
  app = await world.process({ cache: { codec } });
  plain = await world.process();
});

const textOf = async (key: string): Promise<string | undefined> =>
  (await plain.coordinator.alone.read([key]))[0]?.value;

describe('cache.codec', () => {
  it('writes and reads every value of its module', async () => {
    const value = { a: [1] };
    const version = await app.versions.compareAndSet('versioned', 0, value);
    expect(version).toBeGreaterThan(0);
    await app.cache.set('set', value);
    await app.cache.setMany({ many: value });
    await app.cache.update('updated', () => value);
    await app.cache.getOrLoad('loaded', () => value);
    await app.coordinator.run(() => app.cache.set('in a transaction', value));
    const keys = ['versioned', 'set', 'many', 'updated', 'loaded', 'in a transaction'];
    for (const key of keys) {
      expect([key, await textOf(key)]).toEqual([key, '7b2261223a5b315d7d']);
      expect(await app.cache.get(key)).toEqual(value);
    }
    expect(await app.cache.getOrLoad('loaded', () => 'another')).toEqual(value);
  });

  it('reads what another codec wrote as a miss', async () => {
    await app.cache.set('a', { a: [1] });
    expect([await plain.cache.get('a'), plain.cache.statistics()]).toEqual([undefined, { unreadable: 1 }]);
    await plain.cache.set('a', { a: [1] });
    expect([await app.cache.get('a'), app.cache.statistics()]).toEqual([undefined, { unreadable: 1 }]);
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
  });

  it('that throws refuses the write, with the cause, and names codec and key', async () => {
    const cause = new Error('4111 1111 1111 1111');
    codec.encode = () => {
      throw cause;
    };
    for (const write of [
      () => app.cache.set('a', 1),
      () => app.cache.getOrLoad('a', () => 1),
      async () => app.versions.compareAndSet('a', 0, 1),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: "the value of a cannot be written by the codec 'hex'",
        details: { key: 'a', codec: 'hex' },
        cause,
      });
    }
    expect(app.store.count('commit')).toBe(0);
  });

  it('that throws while it reads is a miss, whose report does not quote it', async () => {
    await app.cache.set('a', 1);
    codec.decode = (text) => {
      throw new RangeError(`4111 1111 1111 1111 in ${text}`);
    };
    expect(await app.cache.get('a')).toBeUndefined();
    expect(app.reported.map(({ error }) => String(error))).toEqual([
      "Error: a cached value is nothing that 'hex' can read; it counts as a miss",
    ]);
  });

  it('that reads undefined is a miss that is counted', async () => {
    await app.cache.set('a', 1);
    codec.decode = () => undefined;
    expect([await app.cache.get('a'), app.cache.statistics()]).toEqual([undefined, { unreadable: 1 }]);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a promise', async () => 'later'],
    ['bytes', () => Buffer.from('a')],
    ['a text with the reserved beginning', () => '~{}'],
  ])('that writes %s is refused', async (_what, encode) => {
    codec.encode = encode as () => string;
    await expect(app.cache.set('a', 1)).rejects.toThrow(/the codec 'hex' must give a text that does not begin/);
  });

  it('never gets what no codec could keep', async () => {
    const given: unknown[] = [];
    codec.encode = (value) => String(given.push(value));
    for (const value of [undefined, () => 1, Symbol('s'), { pipe: () => 1 }, { getStream: () => 1 }]) {
      await expect(app.cache.set('a', value)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    expect(given).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a name', 'json'],
    ['a function that makes one', jsonCodec],
    ['no name', { ...jsonCodec(), name: '' }],
    ['a name that is too long', { ...jsonCodec(), name: 'n'.repeat(65) }],
    ['no encode', { name: 'a', decode: JSON.parse }],
    ['no decode', { name: 'a', encode: JSON.stringify }],
  ])('stops the boot when it is none: %s', async (_what, none) => {
    const module = Test.createTestingModule({ imports: [CacheTxnModule.forRoot({ cache: { codec: none as Codec } })] });
    await expect(module.compile()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^cache.codec: give jsonCodec\(\)/),
      details: { option: 'cache.codec' },
    });
  });

  it('is the one that the test kit reads committed writes with', async () => {
    const world = new TestWorld();
    const module = await Test.createTestingModule({
      imports: [CacheTxnTestingModule.forRoot({ world, cache: { codec } })],
    }).compile();
    await module.get(TransactionalCache).set('a', { a: 1 });
    expect(storeOf(module).committedWrites.map(({ value }) => value)).toEqual([{ a: 1 }]);
    await module.close();
  });
});
