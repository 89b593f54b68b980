import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { jsonCodec } from 'nestjs-cache-txn';
import { msgpackCodec } from 'nestjs-cache-txn/msgpack';
import { TxnWorld } from '../../support/txn-world.js';
import { keptValues } from '../cache/codec-values.js';

const codec = msgpackCodec();
const throughText = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('the msgpack codec', () => {
  it('gives back whatever the JSON codec keeps', () => {
    fc.assert(
      fc.property(keptValues, (value) => {
        fc.pre(value !== undefined);
        // Jest takes a property `constructor` for the class.
        expect(isDeepStrictEqual(throughText(value), value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives back what the JSON codec gives back for what is no data', () => {
    class Place {
      seats = [1, 2];
      method = () => 1;
    }
    const value = {
      place: new Place(),
      url: new URL('http://a/'),
      error: new Error('e'),
      list: [() => 1, Symbol('s'), /a/, new Uint16Array(2), Object(1)],
      bare: Object.assign(Object.create(null) as object, { hasOwnProperty: 1 }),
    };
    expect(throughText(value)).toStrictEqual(jsonCodec().decode(jsonCodec().encode(value)));
  });

  it('takes objects of any number of properties', () => {
    const large = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    expect(throughText(large)).toStrictEqual(large);
  });

  it('knows nothing from one text to the next: each is read by a codec that has read no other', () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ id: i, title: `t${i}` }));
    for (const row of rows) codec.encode(row);
    const last = codec.encode(rows[49]);
    expect(msgpackCodec().decode(last)).toEqual(rows[49]);
    expect(msgpackCodec().encode(rows[49])).toBe(last);
  });

  it('gives one byte for a byte of ASCII and two for another, in the store', () => {
    expect(Buffer.byteLength(codec.encode('aaaa'))).toBe(1 + 2 + 4);
    expect(Buffer.byteLength(codec.encode('éé'))).toBe(1 + 2 + 8);
  });

  it('is that of a cache that is given it', async () => {
    const app = await new TxnWorld().process({ cache: { codec } });
    await app.cache.set('a', { at: new Date(5), tags: new Set(['x']) });
    expect(await app.cache.get('a')).toStrictEqual({ at: new Date(5), tags: new Set(['x']) });
    const [{ operations } = { operations: [] }] = app.commits();
    expect(operations).toMatchObject([{ value: expect.stringMatching(/^%/) }]);
  });
});
