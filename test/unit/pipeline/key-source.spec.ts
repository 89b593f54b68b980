import { describe, expect, it } from '@jest/globals';
import { InvalidOptionsError, KeyTemplateError } from '../../../src/base/errors.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { compileKeys, type KeySource } from '../../../src/pipeline/key-source.js';
import { makeCall, Orders } from './make-call.js';

const decorator = '@Locked';
const call = makeCall({ request: { params: { a: '1', b: '2' } }, args: ['x'] });

describe('a key source', () => {
  it('is one template, a list of templates or a function', () => {
    expect(compileKeys('a:{params.a}', { decorator })(call)).toEqual(['a:1']);
    expect(compileKeys(['a:{params.a}', 'b:{params.b}'], { decorator })(call)).toEqual(['a:1', 'b:2']);
    expect(compileKeys(({ args }) => `{tenant-7}:${String(args[0])}`, { decorator })(call)).toEqual(['{tenant-7}:x']);
    expect(compileKeys(() => ['p', 'q'], { decorator })(call)).toEqual(['p', 'q']);
  });

  it('keeps its templates when the list is changed afterwards', () => {
    const list = ['a'];
    const read = compileKeys(list, { decorator });
    list.push('b');
    expect(read(call)).toEqual(['a']);
  });

  it('stops the boot when a template is malformed or the list is empty', () => {
    expect(() => compileKeys(['fine', '{oops'], { decorator })).toThrow(InvalidOptionsError);
    expect(() => compileKeys([], { decorator })).toThrow('@Locked: an empty list of keys');
    expect(() => compileKeys(undefined as unknown as KeySource, { decorator })).toThrow(InvalidOptionsError);
  });

  it.each([
    ['an empty string', () => ''],
    ['an empty list', () => []],
    ['a list with an empty string', () => ['a', '']],
    ['a number', () => 7],
    ['nothing', () => undefined],
    ['a promise', async () => 'late'],
    ['a lone surrogate', () => '\udc00'],
  ])('S02: refuses a function that gives %s', (_what, source) => {
    const read = compileKeys(source as KeySource, { decorator });
    expect(() => read(call)).toThrow(KeyTemplateError);
    expect(() => read(call)).toThrow('the key function of @Locked of Orders.find');
  });

  it('lets an error of the function pass as it is', () => {
    const error = new TypeError('no tenant');
    const read = compileKeys(
      () => {
        throw error;
      },
      { decorator },
    );
    let thrown: unknown;
    try {
      read(call);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBe(error);
  });

  it('refuses a template that reads a request on a provider method, which has none', () => {
    const method = describeMethod(Orders, 'find', Orders.prototype.find, 'provider');
    expect(() => compileKeys(['{args.0}', 'o:{params.id}'], { decorator, method })).toThrow(
      '@Locked of Orders.find: the key template "o:{params.id}" reads params',
    );
    expect(compileKeys('o:{args.0}', { decorator, method })(call)).toEqual(['o:x']);
  });
});
