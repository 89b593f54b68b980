import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { etagOf, fulfils, parseCondition } from '../../../src/version/etag.js';

const versions = (...numbers: number[]) => ({ kind: 'versions', versions: numbers });
const NOW = 1_790_000_000_000_000;

describe('a conditional header', () => {
  it.each([
    ['one tag', `"${NOW}"`, [NOW]],
    ['the tag of "no entry"', '"0"', [0]],
    ['a list', '"1", "2","3"', [1, 2, 3]],
    ['a list with space around it', '  "1" ,\t"2"  ', [1, 2]],
    ['the same tag twice', '"1", "1"', [1, 1]],
    ['tags of others between ours', '"abc", "1", "", "1-gzip", "2"', [1, 2]],
    ['a tag of others with a comma', '"1,2", "3"', [3]],
    ['an empty list', ' , ,', []],
    ['nothing', '', []],
    ['a number without quotes', '1', []],
    ['half a tag', '"1', []],
    ['a tag with a quote in it', '"1"2"', []],
    ['two tags without a comma', '"1" "2"', []],
    ['other spellings of a number', '"01", "+1", "-1", "1.0", "1e3", "0x1", " 1", "１"', []],
    ['a number of 17 digits', '"12345678901234567"', []],
    ['a number beyond exact ones', '"9007199254740993"', []],
    ['a star among tags', '"1", *', [1]],
    ['a star in quotes', '"*"', []],
    ['two stars', '**', []],
    ['a lower-case weak tag', 'w/"1"', []],
  ])('of %s stands for our versions in it', (_what, header, expected) => {
    expect(parseCondition(header, 'strong')).toEqual(versions(...expected));
    expect(parseCondition(header, 'weak')).toEqual(versions(...expected));
  });

  it('with weak tags counts where the comparison is weak only (RFC 9110, 8.8.3.2)', () => {
    expect(parseCondition('W/"1", "2"', 'strong')).toEqual(versions(2));
    expect(parseCondition('W/"1", "2"', 'weak')).toEqual(versions(1, 2));
  });

  it.each(['*', ' * ', '\t*'])('%j stands for any entry', (header) => {
    expect(parseCondition(header, 'strong')).toEqual({ kind: 'any' });
  });

  it('is read in time that grows with its length only', () => {
    const started = performance.now();
    for (const header of ['"'.repeat(50_000), ' '.repeat(50_000) + '"', '"1", '.repeat(10_000), 'W/'.repeat(50_000)]) {
      parseCondition(header, 'weak');
    }
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('finds the tag of every version again', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (version) => {
        expect(parseCondition(etagOf(version), 'strong')).toEqual(versions(version));
      }),
    );
  });

  it('of any text never fails, and stands for exact numbers only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const condition = parseCondition(text, 'weak');
        if (condition.kind === 'versions') expect(condition.versions.every(Number.isSafeInteger)).toBe(true);
      }),
    );
  });
});

describe('a condition', () => {
  it.each([
    [parseCondition('*', 'strong'), 0, false],
    [parseCondition('*', 'strong'), 7, true],
    [parseCondition('"7", "8"', 'strong'), 7, true],
    [parseCondition('"7", "8"', 'strong'), 9, false],
    [parseCondition('"0"', 'strong'), 0, true],
    [parseCondition('garbage', 'strong'), 0, false],
  ])('%j of an entry at version %i: %s', (condition, version, expected) => {
    expect(fulfils(version, condition)).toBe(expected);
  });
});
