import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Codec, CodecRefusal } from '../../../src/cache/codec/codec.js';
import { jsonCodec } from '../../../src/cache/codec/json-codec.js';
import { LIMITS } from '../../../src/store/limits.js';
import { msgpackCodec } from '../../../src/msgpack/msgpack-codec.js';
import { CONTAINERS, nest } from './codec-values.js';

const json = jsonCodec();
const codecs: readonly (readonly [string, Codec])[] = [
  ['json', json],
  ['msgpack', msgpackCodec()],
];

/** What an error of a codec says; anything but a refusal fails the test. */
function refusal(work: () => unknown): CodecRefusal {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecRefusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Nothing but data: no class of anybody's, and no function. */
function isData(value: unknown): boolean {
  if (typeof value === 'function') return false;
  if (typeof value !== 'object' || value === null) return true;
  const prototypes: unknown[] = [Object, Array, Map, Set, Date, Buffer, Uint8Array].map(({ prototype }) => prototype);
  if (!prototypes.includes(Object.getPrototypeOf(value))) return false;
  if (ArrayBuffer.isView(value) || value instanceof Date) return true;
  return (value instanceof Map ? [...value].flat(1) : Object.values(value)).every(isData);
}

describe.each(codecs)('%s: a value', (_name, codec) => {
  it.each(CONTAINERS)('S11: of 1,000 levels comes back, one of 1,001 is refused: %s', (_what, around) => {
    const deepest = nest(LIMITS.jsonDepth, around);
    expect(codec.encode(codec.decode(codec.encode(deepest)))).toBe(codec.encode(deepest));
    const { problem, limit } = refusal(() => codec.encode(nest(LIMITS.jsonDepth + 1, around)));
    expect([problem, limit]).toEqual(['is nested deeper than 1000 levels', 1_000]);
  });

  it.each(CONTAINERS)('S11: of 100,000 levels is refused, and ends no process: %s', (_what, around) => {
    expect(refusal(() => codec.encode(nest(100_000, around))).limit).toBe(1_000);
  });

  it('S11: without end is refused', () => {
    const endless = { toJSON: () => ({ next: endless }) };
    expect(refusal(() => codec.encode(endless)).limit).toBe(1_000);
  });

  it.each(CONTAINERS)('with a cycle is refused: %s', (_what, around) => {
    const cycle: unknown[] = [];
    cycle.push(around(cycle));
    const { problem, limit } = refusal(() => codec.encode(cycle));
    expect([problem, limit]).toEqual(['contains itself, and cannot be cached', undefined]);
  });

  it.each<[string, unknown]>([
    ['a number', 1],
    ['a tagged one', 1n],
  ])('S09: that names the same parts again and again is refused before it is walked to its end: %s', (_what, leaf) => {
    let value: unknown = leaf;
    for (let level = 0; level < 100; level++) value = [value, value];
    expect(refusal(() => codec.encode(value)).limit).toBe(LIMITS.valueBytes);
  });

  it('S09: of bytes far over the limit is refused before they are written', () => {
    const bytes = { base: new Uint8Array(LIMITS.valueBytes + 1) };
    expect(refusal(() => codec.encode(bytes)).limit).toBe(LIMITS.valueBytes);
  });

  it('S10: with __proto__ in it pollutes nothing', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}');
    for (const value of [hostile, [hostile, 1n], new Map([['__proto__', hostile]])]) {
      expect(isData(codec.decode(codec.encode(value)))).toBe(true);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe.each(codecs)('%s: a text', (_name, codec) => {
  const prefixes = codec === json ? ['', '$'] : ['%'];

  it('S11, S12: of any kind is data, or is refused', () => {
    const texts = fc.tuple(
      fc.constantFrom(...prefixes),
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      ),
    );
    let read = 0;
    fc.assert(
      fc.property(texts, ([prefix, text]) => {
        try {
          expect(isData(codec.decode(prefix + text))).toBe(true);
          read += 1;
        } catch (error) {
          if (!(error instanceof CodecRefusal)) throw error;
        }
      }),
      { numRuns: 5_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('S12: of anything but its own form is refused', () => {
    const foreign = codec === json ? msgpackCodec().encode({ a: 1 }) : json.encode({ a: 1 });
    for (const text of ['', foreign, '~{}\n1', 'undefined']) expect(refusal(() => codec.decode(text))).toBeDefined();
  });
});

describe('json: a tagged text', () => {
  it.each([
    ...['["$"]', '["$",1]', '["$","a"]', '["$",["$date",1]]', '["$nothing"]', '["$nothing",1]', '["$constructor",1]'],
    ...['["$date"]', '["$date","1"]', '["$date",1.5]', '["$date",9e15]', '["$date",1,2]', '["$date",{}]'],
    ...['["$map",1]', '["$map",1,2,3]', '["$map",["$nothing"],1]', '["$set",["$date"]]', '["$undefined",1]'],
    ...['["$bigint",1]', '["$bigint",""]', '["$bigint","-"]', '["$bigint","0xff"]', '["$bigint","FF"]'],
    ...['["$bytes",[1]]', '["$bytes","a"]', '["$buffer","a b="]', '["$buffer",null]', '["$buffer","aGk"]'],
    ...[
      '["$number","1"]',
      '["$number",1]',
      '["$number","toString"]',
      '[{"a":["$number"]}]',
      '',
      '{',
      '$1',
      '["$date",1]x',
    ],
  ])('S12: is refused with something else in it than belongs there: %s', (text) => {
    expect(refusal(() => json.decode(`$${text}`)).problem).toMatch(/^is not JSON$|^has a tag that is unknown/);
  });

  it.each(['["$set",', '["$map",1,', '["$map",', '[', '{"a":'])('S11: of 150,000 levels is refused: %s', (opening) => {
    const closing = opening === '{"a":' ? '}' : opening === '["$map",' ? ',1]' : ']';
    const deep = (levels: number): string => `$${opening.repeat(levels)}1${closing.repeat(levels)}`;
    expect(refusal(() => json.decode(deep(1_001))).problem).toBe('is nested deeper than 1000 levels');
    expect(refusal(() => json.decode(deep(150_000))).problem).toBe('is nested deeper than 1000 levels');
    expect(isData(json.decode(deep(1_000)))).toBe(true);
  });

  it('S10: its __proto__ stays a property, and makes nothing else', () => {
    const value = json.decode('${"__proto__":{"at":["$date",1]},"a":["$map","__proto__",{"b":1}]}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toEqual({ at: new Date(1) });
    expect('at' in value).toBe(false);
  });

  it('S09: a bigint of a million digits takes no time worth speaking of, and comes back', () => {
    const digits = 'f'.repeat(1_000_000);
    expect((json.decode(`$["$bigint","${digits}"]`) as bigint).toString(16)).toBe(digits);
  });
});

describe('msgpack: a text', () => {
  const codec = msgpackCodec();
  const bytes = (hex: string): string => `%${Buffer.from(hex, 'hex').toString('latin1')}`;

  it.each([
    ['a Date of its own', 'd6ff00000001'],
    ['a Set of its own', 'd473009101'],
    ['a RegExp', 'd4780092a161a0'],
    ['an Error', 'd4650093a54572726f72a161c0'],
    ['a typed array', 'c7037404010000'],
    ['undefined of its own', 'd40000'],
    ['a bigint of its own', 'd34000000000000001'],
    ['bytes of its own', 'c4026869'],
    ['a part that points at another', '92' + 'd66900000001' + '9101' + 'd67000000001'],
    ['a length that it has not', 'ddffffffff'],
    ['a map that it has not', 'dfffffffff01'],
    ['more than one value', '0102'],
    ['nothing', ''],
  ])('S12: is refused with %s', (_what, hex) => {
    expect(refusal(() => codec.decode(bytes(hex)))).toBeDefined();
  });

  it('S11: nested 1,000,000 levels deep is refused, and the next one is read', () => {
    for (const levels of [1_001, 1_000_000])
      expect(refusal(() => codec.decode(bytes('91'.repeat(levels) + '01')))).toBeDefined();
    expect(codec.decode(codec.encode({ a: [1] }))).toEqual({ a: [1] });
    expect(Array.isArray(codec.decode(bytes('91'.repeat(1_000) + '01')))).toBe(true);
  });

  it('S12: with characters that are no bytes is refused', () => {
    expect(refusal(() => codec.decode('%\u0131'))).toBeDefined();
  });
});
