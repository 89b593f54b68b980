import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import { CodecRefusal } from '../../../src/cache/codec/codec.js';
import { jsonCodec } from '../../../src/cache/codec/json-codec.js';
import { keptValues } from './codec-values.js';

const codec = jsonCodec();
const throughText = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('the JSON codec', () => {
  it('gives back whatever it keeps, and other kinds of the same content are told apart', () => {
    fc.assert(
      fc.property(keptValues, (value) => {
        fc.pre(value !== undefined);
        // Jest takes a property `constructor` for the class.
        expect(isDeepStrictEqual(throughText(value), value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes what JSON.stringify writes for what JSON keeps', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!/-0/.test(JSON.stringify(value)) && !hasMinusZero(value));
        expect(codec.encode(value)).toBe(JSON.stringify(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(codec.decode(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['a date', { at: new Date(5) }, '${"at":["$date",5]}'],
    ['a Map', new Map<unknown, unknown>([['a', new Map([[1, 2]])]]), '$["$map","a",["$map",1,2]]'],
    ['a Set', new Set(['a', null]), '$["$set","a",null]'],
    ['bigints', [255n, -16n, 0n], '$[["$bigint","ff"],["$bigint","-10"],["$bigint","0"]]'],
    ['a Buffer', Buffer.from('hi'), '$["$buffer","aGk="]'],
    ['other bytes', new Uint8Array([104, 105]), '$["$bytes","aGk="]'],
    ['undefined', { a: undefined, b: [undefined] }, '${"a":["$undefined"],"b":[["$undefined"]]}'],
    ['numbers', [NaN, -Infinity, -0], '$[["$number","NaN"],["$number","-Infinity"],["$number","-0"]]'],
    ['an array like a tag, beside a tag', [['$date', 1], 1n], '$[["$","$date",1],["$bigint","1"]]'],
    ['an array like a tag, alone', ['$date', 1], '["$date",1]'],
    ['an object like nothing', { $date: 1 }, '{"$date":1}'],
  ])('keeps %s', (_what, value, text) => {
    expect(codec.encode(value)).toBe(text);
    expect(codec.decode(text)).toStrictEqual(value);
  });

  it('keeps that a date is none', () => {
    expect(codec.encode([new Date(NaN)])).toBe('$[["$date",null]]');
    const [date] = throughText([new Date(NaN)]) as [Date];
    expect([date instanceof Date, date.getTime()]).toEqual([true, NaN]);
  });

  it('makes bytes of their own, not of the pool that Buffer shares', () => {
    const bytes = throughText(new Uint8Array(3)) as Uint8Array;
    expect([Buffer.isBuffer(bytes), bytes.buffer.byteLength]).toEqual([false, 3]);
  });

  it('knows the kinds of another realm', () => {
    const foreign: unknown = runInNewContext('({ at: new Date(7), map: new Map([[1, new Set([2])]]), list: [3] })');
    const own = { at: new Date(7), map: new Map([[1, new Set([2])]]), list: [3] };
    expect(throughText(foreign)).toStrictEqual(own);
  });

  class Money {
    #cents = 5;
    calls = 0;
    toJSON(key: string): unknown {
      this.calls += 1;
      return { cents: this.#cents, key, left: undefined };
    }
  }
  class Day extends Date {
    override toJSON(): string {
      return 'Monday';
    }
  }
  class Place {
    constructor(
      readonly name: string,
      private readonly seats: number[],
    ) {}
    method(): number {
      return this.seats.length;
    }
  }

  it('leaves a class with toJSON what it gives, which is asked for once', () => {
    const money = new Money();
    expect(throughText({ price: money })).toStrictEqual({ price: { cents: 5, key: 'price', left: undefined } });
    expect(money.calls).toBe(1);
    expect(codec.encode([new URL('http://a/'), new Day(0)])).toBe('["http://a/","Monday"]');
    expect(codec.encode([{ toJSON: () => ['$date', 1] }])).toBe('[["$date",1]]');
  });

  it('leaves out what toJSON gives nothing for, as JSON does', () => {
    const nothing = { toJSON: () => undefined };
    expect(codec.encode({ nothing, list: [nothing] })).toBe('{"list":[null]}');
    expect(throughText({ nothing, list: [nothing], n: 1n })).toStrictEqual({ list: [null], n: 1n });
  });

  it('leaves functions and symbols to JSON, also beside what it tags', () => {
    const odd = { call: () => 1, mark: Symbol('s'), list: [() => 1, Symbol('s')] };
    expect(codec.encode(odd)).toBe('{"list":[null,null]}');
    expect(throughText({ ...odd, n: 1n })).toStrictEqual({ list: [null, null], n: 1n });
  });

  it.each<[string, object]>([
    ['instances', new Place('Oslo', [1, 2])],
    ['what is inherited', Object.create({ inherited: undefined, at: new Date(0) }) as object],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['boxed values', [Object(1), Object('a'), Object(false)]],
    ['classes of the language', [/a/, new Error('e'), new Uint16Array(2), new WeakMap(), new ArrayBuffer(4)]],
    ['keys like numbers', { b: 1, 2: 2, a: 3, 1: 4 }],
    ['getters', Object.defineProperty({}, 'a', { enumerable: true, get: () => 1 })],
    ['what is not enumerable', Object.defineProperty({ b: 1 }, 'a', { value: 1n })],
    ['__proto__', JSON.parse('{"__proto__":{"a":1}}') as object],
  ])('writes as JSON.stringify does, alone and beside a tag: %s', (_what, value) => {
    expect(codec.encode(value)).toBe(JSON.stringify(value));
    expect(codec.encode([value, 1n])).toBe(`$[${JSON.stringify(value)},["$bigint","1"]]`);
  });

  it('takes a part that is there twice, which is no cycle', () => {
    const shared = { at: new Date(0) };
    expect(throughText([shared, shared])).toStrictEqual([shared, shared]);
  });

  it('keeps a Map of more entries than a call may have arguments', () => {
    const large = new Map(Array.from({ length: 150_000 }, (_, i) => [i, 0]));
    expect((throughText(large) as Map<number, number>).size).toBe(150_000);
  });

  it('refuses a value that JSON has no text for', () => {
    for (const value of [{ toJSON: () => undefined }, { toJSON: () => () => 1 }]) {
      expect(() => codec.encode(value)).toThrow(CodecRefusal);
    }
  });
});

function hasMinusZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMinusZero);
}
