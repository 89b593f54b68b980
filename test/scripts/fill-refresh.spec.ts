import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useFillBench } from './fill-bench.js';

const SHORT_MS = LONG_MS / 2;

describe('a value that is to be loaded anew', () => {
  const bench = useFillBench();

  it('fill keeps from when on, for its version only, and the lease tells it with the time and the end', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.lease(key, 'ann');
    const [, version] = await fills.fill(key, 'ann', 'loaded', { freshMs: SHORT_MS });
    const [kind, value, of, nowMs, endsMs, staleMs] = await fills.lease(key, 'bob');
    expect([kind, value, of]).toEqual(['hit', 'loaded', version]);
    expect(endsMs).toBe(await fills.bench.client.pexpiretime(key));
    // The end counts from the whole millisecond after.
    expect(Number(endsMs) - Number(staleMs) - SHORT_MS).toBeGreaterThanOrEqual(0);
    expect(Number(endsMs) - Number(staleMs) - SHORT_MS).toBeLessThanOrEqual(1_000);
    expect(Number(nowMs)).toBeLessThanOrEqual(await fills.bench.timeMs());
    expect(Number(nowMs) + SHORT_MS).toBeGreaterThanOrEqual(Number(staleMs));
  });

  it.each(['put', 'bump'] as const)('a %s is fresh to its end', async (kind) => {
    const fills = bench();
    const key = fills.key();
    await fills.lease(key, 'ann');
    await fills.fill(key, 'ann', 'loaded', { freshMs: SHORT_MS });
    const [version] = await fills.commits.apply({ key, kind, value: 'written' });
    const value = kind === 'put' ? 'written' : 'loaded';
    expect(await fills.lease(key, 'bob')).toEqual(['hit', value, String(version)]);
  });

  it('times: where they are asked for, also of what never ends', async () => {
    const fills = bench();
    const key = fills.key();
    const [version] = await fills.commits.apply({ key, kind: 'put', value: 'kept', ttlMs: 0 });
    const [kind, value, of, nowMs, ...rest] = await fills.lease(key, 'ann', LONG_MS, { times: 'times' });
    expect([kind, value, of, rest]).toEqual(['hit', 'kept', String(version), [0, 0]]);
    expect(Number(nowMs)).toBeGreaterThan(0);
  });

  it('leased: for the version that is there, which stays until the fill and keeps its end', async () => {
    const fills = bench();
    const key = fills.key();
    const [before] = await fills.commits.apply({ key, kind: 'put', value: 'old', ttlMs: LONG_MS });
    const endsMs = await fills.bench.client.pexpiretime(key);
    expect(await fills.lease(key, 'ann', 2 * LONG_MS, { replaces: before ?? 0 })).toEqual(['leased']);
    expect((await fills.lease(key, 'bob', LONG_MS, { replaces: before ?? 0 }))[0]).toBe('busy');
    expect(await fills.lease(key, 'bob')).toEqual(['hit', 'old', String(before)]);
    expect(await fills.entry(key)).toMatchObject({ v: 'old', f: 'ann', fdl: String(endsMs) });
    expect(await fills.bench.client.pexpiretime(key)).toBe(endsMs);
    const [kind, version] = await fills.fill(key, 'ann', 'new', { ttlMs: 3 * LONG_MS });
    expect(kind).toBe('filled');
    expect(await fills.entry(key)).toEqual({ v: 'new', ver: version });
    expect(await fills.minutesLeft(key)).toBe(3);
  });

  it('hit: for any other version, and nothing is written', async () => {
    const fills = bench();
    const key = fills.key();
    const [version = 0] = await fills.commits.apply({ key, kind: 'put', value: 'newer' });
    const before = await fills.snapshot(key);
    expect(await fills.lease(key, 'ann', LONG_MS, { replaces: version - 1 })).toEqual([
      'hit',
      'newer',
      String(version),
    ]);
    expect(await fills.snapshot(key)).toEqual(before);
  });

  it.each(['put', 'bump', 'delete'] as const)('I3: refused after a %s, whatever is loaded anew', async (kind) => {
    const fills = bench();
    const key = fills.key();
    const [version = 0] = await fills.commits.apply({ key, kind: 'put', value: 'old' });
    await fills.lease(key, 'ann', LONG_MS, { replaces: version });
    await fills.commits.apply({ key, kind, value: 'written' });
    const before = await fills.snapshot(key);
    expect(await fills.fill(key, 'ann', 'older')).toEqual(['refused']);
    expect(await fills.snapshot(key)).toEqual(before);
  });

  it('what it gives back leaves the value that is there', async () => {
    const fills = bench();
    const key = fills.key();
    const [version = 0] = await fills.commits.apply({ key, kind: 'put', value: 'old' });
    const before = await fills.entry(key);
    await fills.lease(key, 'ann', LONG_MS, { replaces: version });
    expect(await fills.giveBack(key, 'ann')).toEqual(['ended']);
    expect(await fills.entry(key)).toEqual(before);
  });
});
