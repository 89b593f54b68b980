import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fitsGlob } from '../../../src/memory/glob.js';

describe('fitsGlob', () => {
  it.each([
    ['', '', true],
    ['', '*', true],
    ['', '?', false],
    ['order:1', 'order:1', true],
    ['order:1', 'order:*', true],
    ['order:', 'order:*', true],
    ['orders', 'order', false],
    ['order', 'orders', false],
    ['order:12', 'order:?', false],
    ['order:12', 'order:??', true],
    ['aXbXc', 'a*b*c', true],
    ['aab', '*ab', true],
    ['abab', '*ab', true],
    ['abac', '*ab', false],
    ['[a]', '[a]', true],
    ['a', '[a]', false],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['a\nb', 'a*b', true],
  ])('says of %j and the pattern %j: %j', (text, pattern, fits) => {
    expect(fitsGlob(text, pattern)).toBe(fits);
  });

  it('agrees with the regular expression of the pattern', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(text, pattern, (t, p) => {
        const equivalent = new RegExp(`^${p.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
        expect(fitsGlob(t, p)).toBe(equivalent.test(t));
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers a pattern made of stars without trying every split', () => {
    expect(fitsGlob('a'.repeat(512), `${'*a'.repeat(255)}*b`)).toBe(false);
  });
});
