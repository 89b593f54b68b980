import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fullJitterMs } from '../../../src/base/backoff.js';

const bounds = fc.record({
  initialMs: fc.integer({ min: 0, max: 60_000 }),
  maxMs: fc.integer({ min: 0, max: 60_000 }),
});
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the pause with full jitter', () => {
  it('is between 0 and the smaller of its two bounds, and never a number nobody can wait for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), bounds, chance, (retry, { initialMs, maxMs }, random) => {
        const pause = fullJitterMs(retry, { initialMs, maxMs }, () => random);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(maxMs);
        if (retry < 30) expect(pause).toBeLessThanOrEqual(initialMs * 2 ** (retry - 1));
      }),
    );
  });

  it('uses the whole range: it is chance times the bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), chance, (retry, random) => {
        const bound = Math.min(500, 10 * 2 ** (retry - 1));
        expect(fullJitterMs(retry, { initialMs: 10, maxMs: 500 }, () => random)).toBeCloseTo(random * bound, 9);
      }),
    );
  });

  it('asks for chance once', () => {
    let asked = 0;
    fullJitterMs(3, { initialMs: 10, maxMs: 500 }, () => ((asked += 1), 0.5));
    expect(asked).toBe(1);
  });
});
