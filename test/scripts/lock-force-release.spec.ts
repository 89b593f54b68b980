import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useLockBench } from './lock-bench.js';

describe('lock-force-release', () => {
  const bench = useLockBench();

  it('1: takes the lock from whoever holds it, and only its fence stays', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann');
    expect(await locks.forceRelease(name)).toBe(1);
    expect(await locks.state(name)).toEqual({ f: String(fence) });
  });

  it('1: hands it to the first waiter, with a larger fence', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    expect(await locks.forceRelease(name, fence)).toBe(1);
    expect(await locks.owner(name)).toBe('bob');
    expect(Number((await locks.state(name)).f)).toBeGreaterThan(fence);
    expect(await locks.waiting(name)).toEqual(['cid']);
  });

  it('called twice with the fence of one holder, it removes that holder only', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    await locks.forceRelease(name, fence);
    const before = await locks.snapshot([name]);
    expect(await locks.forceRelease(name, fence)).toBe(0);
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it('0: another fence, an ended lease and a name nobody holds are left alone', async () => {
    const locks = bench();
    const [held, expired, unknown] = [locks.name(), locks.name(), locks.name()];
    const fence = await locks.hold([held], 'ann');
    await locks.hold([expired], 'ann');
    await locks.expire(expired);
    const before = await locks.snapshot([held, expired, unknown]);
    for (const other of [fence - 1, fence + 1, 0]) expect(await locks.forceRelease(held, other)).toBe(0);
    for (const name of [expired, unknown]) expect(await locks.forceRelease(name)).toBe(0);
    expect(await locks.snapshot([held, expired, unknown])).toEqual(before);
  });

  it('1: ends the block of a min-hold', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.release([name], 'ann', LONG_MS);
    expect(await locks.forceRelease(name)).toBe(1);
    expect((await locks.acquire([name], 'bob'))[0]).toBe('acquired');
  });

  it('G41: a key of another type is an error, and is not written', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.bench.client.set(locks.keyOf(name), 'foreign');
    const before = await locks.snapshot([name]);
    for (const fence of ['', 1] as const) await expect(locks.forceRelease(name, fence)).rejects.toThrow(/^WRONGTYPE/);
    expect(await locks.snapshot([name])).toEqual(before);
  });
});
