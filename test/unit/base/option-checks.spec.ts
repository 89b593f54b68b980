import { describe, expect, it } from '@jest/globals';
import { oneOf, onlyOptions, wholeNumber } from '../../../src/base/option-checks.js';

const refusal = (option: string, message: RegExp) =>
  expect.objectContaining({
    code: 'INVALID_OPTIONS',
    details: expect.objectContaining({ option }),
    message: expect.stringMatching(message),
  });

describe('an option that is one of several words', () => {
  it('is taken as it is', () => {
    expect(oneOf('b', ['a', 'b'], 'x')).toBe('b');
  });

  it.each(['', 'A', 'constructor', '__proto__', undefined, null, 1, ['a']])('is refused when it is %j', (value) => {
    expect(() => oneOf(value as string, ['a', 'b'], 'txn.x')).toThrow(refusal('txn.x', /txn\.x: .* a, b/));
  });
});

describe('an option that is a whole number', () => {
  it.each([1, 7, 10])('takes %i between 1 and 10', (value) => {
    expect(wholeNumber(value, 'x', 1, 10)).toBe(value);
  });

  it.each([0, 11, 1.5, -1, Number.NaN, Infinity, '7', null, undefined, {}])('is refused when it is %p', (value) => {
    expect(() => wholeNumber(value as number, 'txn.x', 1, 10)).toThrow(refusal('txn.x', /txn\.x: .* 1 to 10/));
  });
});

describe('an object of options', () => {
  const names = { lease: true, wait: true } as const;

  it('is taken with names that there are, whatever their values', () => {
    expect(() => onlyOptions({}, names, '@X')).not.toThrow();
    expect(() => onlyOptions({ lease: 1, wait: undefined }, names, '@X')).not.toThrow();
  });

  it.each(['leese', 'Lease', '', 'constructor', 'toString'])(
    'is refused with the name %j, and says which there are',
    (name) => {
      const refused = refusal(name, new RegExp(`^@X has no option '${name}'; it has lease, wait$`));
      expect(() => onlyOptions({ lease: 1, [name]: undefined }, names as never, '@X')).toThrow(refused);
    },
  );

  it.each([null, '2s', 7, true])('is refused when it is %j', (value) => {
    const refused = {
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^@X takes an object of options, not \w+$/),
    };
    expect(() => onlyOptions(value as never, names as never, '@X')).toThrow(expect.objectContaining(refused));
  });
});
