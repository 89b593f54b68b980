import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useFillBench } from './fill-bench.js';

describe('fill-lease', () => {
  const bench = useFillBench();

  it('hit: a value that is there is answered with its version, and nothing is written', async () => {
    const fills = bench();
    const key = fills.key();
    for (const value of ['', 'value', 'a\r\n\0b']) {
      const [version] = await fills.commits.apply({ key, kind: 'put', value });
      const before = await fills.snapshot(key);
      for (let call = 0; call < 2; call += 1)
        expect(await fills.lease(key, 'ann')).toEqual(['hit', value, String(version)]);
      expect(await fills.snapshot(key)).toEqual(before);
    }
  });

  it('leased: an absent key keeps the token until the lease is over, and ends then', async () => {
    const fills = bench();
    const key = fills.key();
    const fromMs = await fills.bench.timeMs();
    expect(await fills.lease(key, 'ann')).toEqual(['leased']);
    const { fdl, ...entry } = await fills.entry(key);
    expect(entry).toEqual({ f: 'ann' });
    expect(Number(fdl)).toBeGreaterThanOrEqual(fromMs + LONG_MS);
    expect(Number(fdl)).toBeLessThanOrEqual((await fills.bench.timeMs()) + LONG_MS);
    expect(await fills.bench.client.pexpiretime(key)).toBe(Number(fdl));
  });

  it('leased: an entry that has only a version keeps its end, and the lease ends with it at the latest', async () => {
    const fills = bench();
    const [ending, lasting] = [fills.key(), fills.key()];
    await fills.commits.apply({ key: ending, kind: 'bump', ttlMs: LONG_MS }, { key: lasting, kind: 'bump', ttlMs: 0 });
    const endsMs = await fills.bench.client.pexpiretime(ending);
    for (const key of [ending, lasting]) expect(await fills.lease(key, 'ann', 2 * LONG_MS)).toEqual(['leased']);
    expect(await fills.bench.client.pexpiretime(ending)).toBe(endsMs);
    expect(await fills.entry(ending)).toMatchObject({ f: 'ann', fdl: String(endsMs) });
    expect(await fills.bench.client.pttl(lasting)).toBe(-1);
    expect(Number((await fills.entry(lasting)).fdl)).toBeGreaterThan(endsMs);
  });

  it('busy: another token is told how long, and nothing is written', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.lease(key, 'ann');
    const before = await fills.snapshot(key);
    const [kind, leftMs] = await fills.lease(key, 'bob', 9 * LONG_MS);
    expect([kind, Math.ceil(Number(leftMs) / LONG_MS)]).toEqual(['busy', 1]);
    expect(await fills.snapshot(key)).toEqual(before);
  });

  it('leased: again to the same token, counted from then, and to anybody once the lease is over', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.commits.apply({ key, kind: 'bump', ttlMs: 0 });
    await fills.lease(key, 'ann');
    const { fdl: first } = await fills.entry(key);
    expect(await fills.lease(key, 'ann', 2 * LONG_MS)).toEqual(['leased']);
    expect(Number((await fills.entry(key)).fdl)).toBeGreaterThanOrEqual(Number(first) + LONG_MS);
    await fills.endLease(key);
    expect(await fills.lease(key, 'bob')).toEqual(['leased']);
    expect((await fills.entry(key)).f).toBe('bob');
  });

  it('intent: a prepared write is answered with what is beside it, and nothing is written', async () => {
    const fills = bench();
    const [full, bare, absent] = [fills.key(), fills.key(), fills.key()];
    const [atFull, atBare] = await fills.commits.apply(
      { key: full, kind: 'put', value: 'old' },
      { key: bare, kind: 'bump' },
    );
    await fills.prepared(fills.share([full, bare, absent].map((key) => ({ key, kind: 'put' }) as const)));
    for (const [key, ...beside] of [
      [full, 'old', String(atFull)],
      [bare, null, String(atBare)],
      [absent, null, null],
    ] as const) {
      const before = await fills.snapshot(key);
      expect(await fills.lease(key, 'ann')).toEqual(['intent', (await fills.entry(key)).i, ...beside]);
      expect(await fills.snapshot(key)).toEqual(before);
    }
  });

  it('a value without a version is none, as for everybody who reads', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.bench.client.hset(key, { v: 'foreign' });
    expect(await fills.lease(key, 'ann')).toEqual(['leased']);
  });

  it('G41: a key of another type is an error, and is not written', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.bench.client.rpush(key, 'foreign');
    const before = await fills.snapshot(key);
    await expect(fills.lease(key, 'ann')).rejects.toThrow(/^WRONGTYPE/);
    expect(await fills.snapshot(key)).toEqual(before);
  });
});
