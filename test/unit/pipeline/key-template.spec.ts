import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidOptionsError, KeyTemplateError } from '../../../src/base/errors.js';
import { parseKeyTemplate } from '../../../src/pipeline/key-template.js';
import { makeCall } from './make-call.js';

const render = (template: string, request: object): string =>
  parseKeyTemplate(template).render(makeCall({ request: request as Record<string, unknown> }));

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('G37: a key template', () => {
  it('reads params, query, body and user of the request by dotted paths', () => {
    const request = {
      params: { id: '7' },
      query: { page: '2' },
      body: { buyer: { id: 3n } },
      user: { tenant: 'acme' },
    };
    expect(render('{params.id}:{query.page}:{body.buyer.id}:{user.tenant}', request)).toBe('7:2:3:acme');
  });

  it('reads headers whatever the case of their names on either side', () => {
    expect(render('t:{headers.X-Tenant}', { headers: { 'x-tenant': 'acme' } })).toBe('t:acme');
    expect(render('t:{headers.x-tenant}', { headers: { 'X-Tenant': 'acme' } })).toBe('t:acme');
  });

  it('reads data of a message and args of any method', () => {
    const call = makeCall({ data: { id: 5 }, args: ['a', { id: 'b' }] });
    expect(parseKeyTemplate('{data.id}:{args.0}:{args.1.id}').render(call)).toBe('5:a:b');
  });

  it('reads a whole body, user or message that is a plain value', () => {
    expect(render('{body}:{user}', { body: 'text', user: 'bob' })).toBe('text:bob');
  });

  it('may have no placeholder at all', () => {
    expect(render('nightly job', {})).toBe('nightly job');
  });

  it('reads accessors of the request itself, because Express defines query as one', () => {
    const request = Object.create({
      get query() {
        return { id: '7' };
      },
    }) as object;
    expect(render('{query.id}', request)).toBe('7');
  });

  it.each([
    ['an array', ['a', 'b']],
    ['an object', { a: 1 }],
    ['a boolean', true],
    ['not a finite number', Number.NaN],
    ['not a finite number', Number.POSITIVE_INFINITY],
    ['empty', ''],
    ['missing', undefined],
    ['missing', null],
    ['a string with a lone surrogate', 'x\ud800'],
    ['a symbol', Symbol('s')],
  ])('S01, S02, S05: refuses a value that is %s', (what, id) => {
    const error = errorOf(() => render('order:{params.id}', { params: { id } })) as KeyTemplateError;
    expect(error).toBeInstanceOf(KeyTemplateError);
    expect(error.message).toContain(`{params.id} of the key template "order:{params.id}" of Orders.find is ${what};`);
    expect(error.details).toEqual({ template: 'order:{params.id}', placeholder: 'params.id', method: 'Orders.find' });
  });

  it('S16: keeps the refused value out of the error', () => {
    const error = errorOf(() => render('order:{body.id}', { body: { id: ['planted-secret'] } })) as KeyTemplateError;
    expect(error.message + JSON.stringify(error.details)).not.toContain('planted-secret');
  });

  it('S10: reads own properties only', () => {
    const body = Object.create({ id: 'inherited' }) as object;
    expect(() => render('{body.id}', { body })).toThrow(KeyTemplateError);
    expect(() => render('{body.toString}', { body: {} })).toThrow(KeyTemplateError);
    expect(() => render('{body.length}', { body: 'text' })).toThrow(KeyTemplateError);
  });

  it('percent-encodes braces, colon, percent, control characters and white space as UTF-8', () => {
    expect(render('{body.id}', { body: { id: 'a}b{c:d%e f\r\n\0\u00a0\u2028' } })).toBe(
      'a%7Db%7Bc%3Ad%25e%20f%0D%0A%00%C2%A0%E2%80%A8',
    );
  });

  it('leaves every other character as it is', () => {
    expect(render('{body.id}', { body: { id: 'Ünïcode-ß_*?[]/,;=@😀' } })).toBe('Ünïcode-ß_*?[]/,;=@😀');
  });

  it('escapes a separator of its own in the value before it', () => {
    expect(render('{body.a}-{body.b}', { body: { a: '1-2', b: '3-4' } })).toBe('1%2D2-3-4');
    expect(render('{body.a}x😀y{body.b}', { body: { a: '1x😀y2', b: '3' } })).toBe('1x%F0%9F%98%80y2x😀y3');
  });

  it('escapes nothing more where the text between two values has a reserved character anyway', () => {
    expect(render('{body.a}-x:{body.b}', { body: { a: '1-2', b: '3-4' } })).toBe('1-2-x:3-4');
  });

  it.each([
    ['order:{params.id', 6, 'never closed'],
    ['order:params.id}', 15, 'closes nothing'],
    ['order:{params.{id}}', 6, 'opened again'],
    ['{tenant}:{params.id}', 0, 'starts with none of params'],
    ['{}', 0, 'empty'],
    ['a:{params}', 2, 'needs a property'],
    ['a:{args}', 2, 'needs a property'],
    ['a:{args.length}', 2, 'number of an argument'],
    ['a:{params.}', 2, 'empty or spaced'],
    ['a:{params..id}', 2, 'empty or spaced'],
    ['a:{body.x y}', 2, 'empty or spaced'],
    ['a:{ params.id }', 2, 'starts with none of params'],
    ['a:{body.__proto__}', 2, '__proto__'],
    ['a:{body.constructor.name}', 2, 'constructor'],
    ['a:{body.a.prototype}', 2, 'prototype'],
    ['a:{toString.id}', 2, 'starts with none of params'],
    ['{params.a}{params.b}', 10, 'keeps this placeholder apart'],
    ['{params.a}and{params.b}', 13, 'keeps this placeholder apart'],
    ['{params.a}%{params.b}', 11, 'keeps this placeholder apart'],
    ['', 0, 'non-empty'],
    ['x\ud800', 0, 'lone surrogate'],
  ])('refuses %j when the class is defined, naming position %i', (template, position, problem) => {
    const error = errorOf(() => parseKeyTemplate(template)) as InvalidOptionsError;
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toContain(`key template ${JSON.stringify(template)}, position ${position}: `);
    expect(error.message).toContain(problem);
  });
});

/** Strings with many of the characters that attacks on keys are made of. */
const id = fc.string({
  unit: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom('{', '}', ':', '%', '-', '/', ' ', '\n', '\0', '2', 'D', '3', 'A', 'x', '\u2028'),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  ),
  minLength: 1,
  maxLength: 12,
});

/** Templates whose separators differ in how they are kept apart. */
const TEMPLATES = [
  'order:{args.0}:{args.1}:{args.2}',
  '{args.0}-{args.1}/{args.2}',
  'a{args.0}x-y{args.1}2D-{args.2}z',
  '{args.0} {args.1}\n{args.2}%',
  '{args.0}%:{args.1}A:-{args.2}',
];

/** CRC16 (XMODEM) of the Redis Cluster specification, bit by bit. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  }
  return crc & 0xffff;
}

/** The slot rule of the specification: the first `{…}` with something inside decides, else the whole key. */
function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open === -1 ? -1 : key.indexOf('}', open + 1);
  return crc16(Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key)) % 16_384;
}

describe('G37: keys of a template, for all values', () => {
  it('the reference slot function agrees with the specification', () => {
    expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
    expect(slotOf('{user1000}.following')).toBe(slotOf('{user1000}.followers'));
  });

  it.each(TEMPLATES)('S04: two different lists of values never give one key of %j', (template) => {
    const { render: renderCall } = parseKeyTemplate(template);
    const values = fc.tuple(id, id, id);
    // Pairs that share their text, cut at different places, are where separators fail; chance alone never finds them.
    const recut = fc.tuple(id, id, id, id).chain(([a, b, c, d]) => {
      const text = [a, b, c, d].join('');
      const cut = fc.tuple(fc.nat(text.length), fc.nat(text.length)).map(([x, y]) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        return [text.slice(0, low), text.slice(low, high), text.slice(high)] as const;
      });
      return fc.tuple(cut, cut);
    });
    const pairs = fc.oneof(recut, fc.tuple(values, values));
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        fc.pre([...one, ...other].every((value) => value !== '' && value.isWellFormed()));
        const same = one.every((value, index) => value === other[index]);
        const key = renderCall(makeCall({ args: one }));
        expect(key === renderCall(makeCall({ args: other }))).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(TEMPLATES)('S03: no value brings a hash tag into %j, so the slot is that of the whole key', (template) => {
    const { render: renderCall } = parseKeyTemplate(template);
    fc.assert(
      fc.property(id, id, id, (...args) => {
        fc.pre(args.every((value) => value.isWellFormed()));
        const key = renderCall(makeCall({ args }));
        expect(key).not.toMatch(/[{}]/);
        expect(slotOf(key)).toBe(crc16(Buffer.from(key)) % 16_384);
        // Behind a tag that the service or namespace may have put in front, the tag alone still decides.
        expect(slotOf(`{tag}:${key}`)).toBe(slotOf('{tag}'));
      }),
    );
  });

  it('S03, S06: a key has no brace, colon, white space or control character that a value brought', () => {
    const { render: renderCall } = parseKeyTemplate('{args.0}');
    fc.assert(
      fc.property(id, (value) => {
        fc.pre(value.isWellFormed());
        const key = renderCall(makeCall({ args: [value] }));
        expect(key).not.toMatch(/[{}:\s\p{Cc}]/u);
        expect(decodeURIComponent(key)).toBe(value);
      }),
    );
  });
});
