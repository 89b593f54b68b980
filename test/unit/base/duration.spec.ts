import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Duration, toMs } from '../../../src/base/duration.js';

describe('a duration', () => {
  it.each<[Duration, number]>([
    [0, 0],
    [250, 250],
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
    ['1.5s', 1_500],
    ['0.25m', 15_000],
    ['007ms', 7],
    [0.5, 1],
    [1.4, 1],
    [1.5, 2],
    ['365d', 31_536_000_000],
  ])('%j is %i ms', (duration, ms) => {
    expect(toMs(duration, 'x')).toBe(ms);
  });

  it.each([0.000_1, 0.4, '0.4ms', '0.0001s', Number.MIN_VALUE] as Duration[])(
    '%j is not 0, which means something else',
    (duration) => {
      expect(toMs(duration, 'x')).toBe(1);
    },
  );

  it.each([
    '',
    '10',
    '10 s',
    ' 10s',
    '10S',
    '1w',
    '-1s',
    '+1s',
    '1e3s',
    '.5s',
    '5.s',
    's',
    '10s5ms',
    'Infinitys',
    null,
    undefined,
    true,
    {},
    [],
    ['10s'],
    1n,
    Number.NaN,
    Infinity,
    -Infinity,
    '10s\n',
  ])('%p is none: the error names option and forms', (duration) => {
    const parse = () => toMs(duration as Duration, 'lock.lease');
    expect(parse).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS', details: { option: 'lock.lease' } }));
    expect(parse).toThrow(/lock\.lease.*'250ms', '10s', '5m', '2h', '1d'/);
  });

  it.each<[Duration, object]>([
    [-1, {}],
    [-0.1, {}],
    ['366d', {}],
    [9, { min: 10 }],
    ['11ms', { max: 10 }],
    [1e300, {}],
  ])('%j within %j is out of bounds', (duration, bounds) => {
    expect(() => toMs(duration, 'x', bounds)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('at its bounds is fine', () => {
    expect([toMs(10, 'x', { min: 10, max: 20 }), toMs('20ms', 'x', { min: 10, max: 20 })]).toEqual([10, 20]);
  });

  it('of whole milliseconds is exact in every unit', () => {
    fc.assert(
      fc.property(
        fc.nat(365),
        fc.constantFrom<[string, number]>(['ms', 1], ['s', 1e3], ['m', 6e4], ['h', 36e5], ['d', 864e5]),
        (n, [unit, factor]) => {
          expect(toMs(`${n}${unit}` as Duration, 'x')).toBe(n * factor);
          expect(toMs(n * factor, 'x')).toBe(n * factor);
        },
      ),
    );
  });
});
