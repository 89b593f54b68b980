import { describe, expect, it } from '@jest/globals';

import { type FillBench, LONG_MS, useFillBench } from './fill-bench.js';
import type { Write } from './intent-bench.js';

const WRITES = ['put', 'bump', 'delete'] as const;

describe('fill: what it publishes', () => {
  const bench = useFillBench();

  it('filled: value and version, with the TTL of the fill and nothing of the lease', async () => {
    const fills = bench();
    const [ending, lasting] = [fills.key(), fills.key()];
    const fromUs = await fills.bench.timeUs();
    for (const key of [ending, lasting]) await fills.lease(key, 'ann', 5 * LONG_MS);
    const [kind, version] = await fills.fill(ending, 'ann', 'loaded', { ttlMs: 3 * LONG_MS });
    expect(kind).toBe('filled');
    expect(Number(version)).toBeGreaterThanOrEqual(fromUs);
    expect(await fills.entry(ending)).toEqual({ v: 'loaded', ver: version });
    expect(await fills.minutesLeft(ending)).toBe(3);
    await fills.fill(lasting, 'ann', 'loaded', { ttlMs: 0 });
    expect(await fills.minutesLeft(lasting)).toBe(-1);
  });

  it.each([
    ['counter', 0],
    ['timestamp', 2],
  ] as const)(
    'filled: an entry that has only a version gets a larger one by %s, and the TTL of the fill',
    async (strategy, minutes) => {
      const fills = bench();
      const key = fills.key();
      const [before = 0] = await fills.commits.apply({ key, kind: 'bump', ttlMs: LONG_MS });
      await fills.lease(key, 'ann');
      const [, version] = await fills.fill(key, 'ann', 'loaded', { strategy, ttlMs: minutes * LONG_MS });
      if (strategy === 'counter') expect(Number(version)).toBe(before + 1);
      else expect(Number(version)).toBeGreaterThan(before);
      expect(await fills.entry(key)).toEqual({ v: 'loaded', ver: version });
      expect(await fills.minutesLeft(key)).toBe(minutes === 0 ? -1 : minutes);
    },
  );

  it('ended: only the lease of its token, and the key with it where that was all', async () => {
    const fills = bench();
    const [absent, bare] = [fills.key(), fills.key()];
    await fills.commits.apply({ key: bare, kind: 'bump', ttlMs: 2 * LONG_MS });
    const before = await fills.entry(bare);
    for (const key of [absent, bare]) {
      await fills.lease(key, 'ann');
      expect([await fills.giveBack(key, 'bob'), await fills.giveBack(key, 'ann')]).toEqual([['refused'], ['ended']]);
    }
    expect([await fills.entry(absent), await fills.entry(bare)]).toEqual([{}, before]);
    expect([await fills.minutesLeft(absent), await fills.minutesLeft(bare)]).toEqual([-2, 2]);
  });

  it('G28: a version that runs ahead of the time is followed by one more', async () => {
    const fills = bench();
    const key = fills.key();
    const ahead = 2 ** 52;
    await fills.bench.client.hset(key, { ver: ahead });
    await fills.lease(key, 'ann');
    expect(await fills.fill(key, 'ann')).toEqual(['filled', String(ahead + 1)]);
  });

  it('keeps values byte for byte', async () => {
    const fills = bench();
    for (const value of ['', '*', 'a\r\n\0b', '{"ünï":"💺"}', 'x'.repeat(1_048_576)]) {
      const key = fills.key();
      await fills.lease(key, 'ann');
      await fills.fill(key, 'ann', value);
      expect((await fills.entry(key)).v).toBe(value);
    }
  });
});

describe('fill: what it refuses, before any write', () => {
  const bench = useFillBench();

  async function expectRefused(fills: FillBench, key: string, token = 'ann'): Promise<void> {
    const before = await fills.snapshot(key);
    expect(await fills.fill(key, token)).toEqual(['refused']);
    expect(await fills.snapshot(key)).toEqual(before);
  }

  it('a key without a lease, one of another token, and a second fill', async () => {
    const fills = bench();
    const key = fills.key();
    await expectRefused(fills, key);
    await fills.lease(key, 'bob');
    await expectRefused(fills, key);
    await fills.fill(key, 'bob');
    await expectRefused(fills, key, 'bob');
  });

  it('a lease that is over by the server’s time, on a key that is still there', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.commits.apply({ key, kind: 'bump', ttlMs: 0 });
    await fills.lease(key, 'ann');
    await fills.endLease(key);
    await expectRefused(fills, key);
  });

  it.each(WRITES)(
    'a key that a %s was committed to, or prepared for, since; no field of the lease is left',
    async (kind) => {
      const fills = bench();
      for (const isBare of [false, true]) {
        const [committed, taken, given] = [fills.key(), fills.key(), fills.key()];
        for (const key of [committed, taken, given]) {
          if (isBare) await fills.commits.apply({ key, kind: 'bump', ttlMs: 0 });
          await fills.lease(key, 'ann');
        }
        const write: Omit<Write, 'key'> = { kind, ttlMs: 0, value: 'new' };
        await fills.commits.apply({ key: committed, ...write });
        const [back, on] = [taken, given].map((key) => fills.share([{ key, ...write }]));
        for (const share of [back!, on!]) await fills.prepared(share);
        for (const key of [committed, taken, given]) await expectRefused(fills, key);
        await fills.settle(back!, 'aborted');
        await fills.settle(on!, 'committed');
        for (const key of [committed, taken, given]) {
          await expectRefused(fills, key);
          expect(Object.keys(await fills.entry(key))).not.toEqual(
            expect.arrayContaining([expect.stringMatching(/^[fi]/)]),
          );
          // The lease of a key without a version had given it a TTL.
          expect(await fills.bench.client.pttl(key)).toBeLessThan(0);
        }
      }
    },
  );

  it('G41: a version that nobody of ours wrote is an error, and no key is written', async () => {
    const fills = bench();
    for (const foreign of ['three', '', '-1', '1e3', '9007199254740991']) {
      const key = fills.key();
      await fills.bench.client.hset(key, { ver: foreign });
      await fills.lease(key, 'ann');
      const before = await fills.snapshot(key);
      await expect(fills.fill(key, 'ann')).rejects.toThrow(/^WRONGTYPE/);
      expect(await fills.snapshot(key)).toEqual(before);
    }
  });

  it('G41: a key of another type is an error, and is not written', async () => {
    const fills = bench();
    const key = fills.key();
    await fills.bench.client.rpush(key, 'foreign');
    const before = await fills.snapshot(key);
    await expect(fills.fill(key, 'ann')).rejects.toThrow(/^WRONGTYPE/);
    expect(await fills.snapshot(key)).toEqual(before);
  });
});
