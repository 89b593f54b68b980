import { describe, expect, it } from '@jest/globals';

import { StalenessWatch, together, type CachedRead, type StalenessFigures } from '../../support/history/staleness.js';

/** A read that shows what the row was all the time. */
const FRESH: CachedRead = { key: 'a', kind: 'get', before: 7, seen: 7, isLoaded: false, after: 7, atMs: 0 };

function figuresOf(...reads: Partial<CachedRead>[]): StalenessFigures {
  const watch = new StalenessWatch();
  for (const read of reads) watch.note({ ...FRESH, ...read });
  return watch.figures;
}

describe('the staleness watch', () => {
  it('accepts hits, loads and misses that agree with the row before or after the read', () => {
    expect(figuresOf({}, { after: 9, seen: 8 }, { seen: undefined }, { isLoaded: true })).toEqual({
      ...{ reads: 4, hits: 2, loads: 1, stale: 0, ahead: 0, longestStaleMs: 0, examples: [] },
    });
  });

  it('finds a planted hit that is older than the row was before the read', () => {
    const { stale, examples } = figuresOf({}, { key: 'b', seen: 6 });
    expect([stale, examples]).toEqual([1, [{ ...FRESH, key: 'b', seen: 6 }]]);
  });

  it('finds a planted load that is older than the row was before the read', () => {
    expect(figuresOf({ seen: 6, isLoaded: true }).stale).toBe(1);
  });

  it('finds a planted value that no row had when the read was over', () => {
    expect(figuresOf({ seen: 8 }).ahead).toBe(1);
  });

  it('measures how long one outdated value of a key was seen, until something else was', () => {
    const outdated = { seen: 6 };
    const reads = [
      { ...outdated, atMs: 10 },
      { ...outdated, key: 'b', atMs: 30 },
      { ...outdated, atMs: 50 },
    ];
    expect(figuresOf(...reads, { atMs: 60 }, { ...outdated, atMs: 500 }).longestStaleMs).toBe(40);
  });

  it('adds up what several observers have seen', () => {
    const both = together(figuresOf({}, { seen: 6 }), figuresOf({ seen: 8 }));
    expect(both).toMatchObject({ reads: 3, hits: 3, stale: 1, ahead: 1 });
    expect(both.examples).toHaveLength(2);
  });
});
