import { describe, expect, it } from '@jest/globals';

import { DAY_MS, LONG_MS, PAST_MS, useLockBench } from './lock-bench.js';

describe('lock-release: min-hold', () => {
  const bench = useLockBench();

  it('G12: keeps the name blocked, without an owner, until that long after it was acquired', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann', { leaseMs: 5_000 });
    const { a: acquiredAt = '', f } = await locks.state(name);
    expect(await locks.release([name], 'ann', LONG_MS)).toBe('released');
    const until = String(Number(acquiredAt) + LONG_MS);
    expect(await locks.state(name)).toEqual({ t: '', o: '', x: until, a: acquiredAt, f });
    const [key] = await locks.snapshot([name]);
    expect(Math.abs(key!.expiresAtMs - Number(until) - DAY_MS)).toBeLessThan(1_000);
    expect((await locks.acquire([name], 'bob'))[0]).toBe('busy');
    expect(await locks.renew({ name, token: 'ann' })).toEqual([0]);
  });

  it('G4: called twice, the second answers lost and the block stays as it was', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.release([name], 'ann', LONG_MS);
    const before = await locks.snapshot([name]);
    for (const minHoldMs of [LONG_MS, 0]) expect(await locks.release([name], 'ann', minHoldMs)).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it('frees the name at once when it was held longer than that', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.set(name, { a: PAST_MS });
    expect(await locks.release([name], 'ann', LONG_MS)).toBe('released');
    expect(Object.keys(await locks.state(name))).toEqual(['f']);
  });

  it('of 0 frees the name at once, also one that was acquired by a clock that was ahead', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.set(name, { a: String((await locks.bench.timeMs()) + LONG_MS) });
    expect(await locks.release([name], 'ann', 0)).toBe('released');
    expect(Object.keys(await locks.state(name))).toEqual(['f']);
  });

  it('G12: waiters keep their places through the block, and the first of them follows it', async () => {
    const locks = bench();
    const name = locks.name();
    const before = await locks.hold([name], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    await locks.release([name], 'ann', LONG_MS);
    expect(await locks.waiting(name)).toEqual(['bob', 'cid']);
    expect((await locks.acquire([name], 'bob', { queueMs: LONG_MS }))[0]).toBe('queued');
    await locks.expire(name);
    expect((await locks.acquire([name], 'cid', { queueMs: LONG_MS }))[0]).toBe('queued');
    expect(await locks.hold([name], 'bob')).toBeGreaterThan(before);
  });
});
