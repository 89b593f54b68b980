import { describe, expect, it } from '@jest/globals';
import { ServerTime, nextStamp, systemTimeUs } from '../../../src/memory/server-time.js';

describe('ServerTime', () => {
  it('shows the milliseconds and microseconds of its source', () => {
    expect(new ServerTime(() => 1_704_067_200_123_456.75).tick()).toEqual({
      ms: 1_704_067_200_123,
      us: 1_704_067_200_123_456,
    });
  });

  it('gives no microsecond twice on a source that stands still, and leaves the milliseconds alone', () => {
    const time = new ServerTime(() => 5_000_000);
    const instants = Array.from({ length: 5_000 }, () => time.tick());
    expect(new Set(instants.map(({ us }) => us)).size).toBe(5_000);
    expect(instants.at(-1)).toEqual({ ms: 5_000, us: 5_004_999 });
  });

  it('stands still while its source has gone back, and follows it again later', () => {
    let us = 5_000_000;
    const time = new ServerTime(() => us);
    time.tick();
    us = 1_000_000;
    expect(time.tick()).toEqual({ ms: 5_000, us: 5_000_001 });
    us = 6_000_000;
    expect(time.tick()).toEqual({ ms: 6_000, us: 6_000_000 });
  });
});

describe('nextStamp', () => {
  it.each([
    { previous: 0, us: 100, expected: 100 },
    { previous: 99, us: 100, expected: 100 },
    { previous: 100, us: 100, expected: 101 },
    { previous: 500, us: 100, expected: 501 },
  ])('after $previous at $us µs it is $expected', ({ previous, us, expected }) => {
    expect(nextStamp(previous, { ms: 0, us })).toBe(expected);
  });
});

describe('systemTimeUs', () => {
  it('is today’s date in microseconds', () => {
    expect(Math.abs(systemTimeUs() / 1_000 - Date.now())).toBeLessThan(60_000);
  });
});
