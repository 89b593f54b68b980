import { describe, expect, it } from '@jest/globals';
import { oneOf, wholeNumber } from '../../../src/base/option-checks.js';

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
