import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Codec, jsonCodec } from 'nestjs-cache-txn';
import { msgpackCodec } from 'nestjs-cache-txn/msgpack';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const codecs: readonly (readonly [string, Codec | undefined])[] = [
  ['the default one', undefined],
  ['json', jsonCodec()],
  ['msgpack', msgpackCodec()],
];

const value = () => ({
  due: new Date(5),
  cover: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  // In MessagePack every value of a byte is in one of them.
  numbers: Array.from({ length: 600 }, (_, n) => n * 1.1),
  small: Array.from({ length: 600 }, (_, n) => n - 300),
  text: 'é\u0000\u2028😀"\\\r\n',
  tags: new Map<unknown, unknown>([[1n, new Set(['a', undefined])]]),
});

const start = (codec: Codec | undefined): Promise<TxnApp> => scene.app({ module: { cache: codec ? { codec } : {} } });

describe.each(codecs)('on Redis a value comes back with all that is in it, by codec: %s', (_name, codec) => {
  it('outside of a transaction and in one, written and loaded', async () => {
    const { cache, coordinator, versions } = await start(codec);
    await cache.set('set', value());
    await coordinator.run(() => cache.setMany({ 'in one': value(), beside: value() }));
    await cache.getOrLoad('loaded', value);
    await versions.compareAndSet('versioned', 0, value());
    const keys = ['set', 'in one', 'beside', 'loaded', 'versioned'];
    expect(await cache.getMany(keys)).toStrictEqual(new Map(keys.map((key) => [key, value()])));
    expect(cache.statistics()).toEqual({ unreadable: 0 });
  });
});

describe('the text in Redis', () => {
  const textOf = (app: TxnApp) => scene.redis.hget(`${app.namespace}:e:a`, 'v');

  it('is that of JSON.stringify for what JSON keeps', async () => {
    const app = await start(undefined);
    const plain = { title: 'Emma', tags: ['a', null], at: { n: 1.5 } };
    await app.cache.set('a', plain);
    expect(await textOf(app)).toBe(JSON.stringify(plain));
  });

  it('is tagged JSON for a date, and what is said for another codec', async () => {
    const app = await start(undefined);
    await app.cache.set('a', { at: new Date(5) });
    expect(await textOf(app)).toBe('${"at":["$date",5]}');
    const other = await start(msgpackCodec());
    await other.cache.set('a', [1, 'a']);
    expect(await textOf(other)).toBe('%\u0092\u0001\u00a1a');
  });
});
