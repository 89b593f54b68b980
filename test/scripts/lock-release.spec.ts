import { describe, expect, it } from '@jest/globals';

import { DAY_MS, LONG_MS, useLockBench } from './lock-bench.js';

describe('lock-release', () => {
  const bench = useLockBench();

  it('released: the name is free, and only its fence stays, for about a day', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann', { leaseMs: 5_000 });
    expect(await locks.release([name], 'ann')).toBe('released');
    expect(await locks.state(name)).toEqual({ f: String(fence) });
    const keptMs = await locks.bench.client.pttl(locks.keyOf(name));
    expect(keptMs).toBeGreaterThan(DAY_MS - LONG_MS);
    expect(keptMs).toBeLessThanOrEqual(DAY_MS + 5_000);
  });

  it('G4: called twice, the second answers lost and writes nothing, also when somebody else holds the name by then', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.release([name], 'ann');
    const free = await locks.snapshot([name]);
    expect(await locks.release([name], 'ann')).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(free);

    await locks.hold([name], 'bob');
    await locks.queue(name, 'cid');
    const held = await locks.snapshot([name]);
    expect(await locks.release([name], 'ann')).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(held);
  });

  it('G4: called twice while others wait, it hands over once', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    await locks.release([name], 'ann');
    const before = await locks.snapshot([name]);
    expect(await locks.release([name], 'ann')).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(before);
    expect(await locks.owner(name)).toBe('bob');
  });

  it('G4: a wrong token frees nothing, not even the empty one', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    const before = await locks.snapshot([name]);
    for (const token of ['bob', 'an', 'ann ', '']) expect(await locks.release([name], token)).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it('a name nobody ever held is lost, and no key comes of it', async () => {
    const locks = bench();
    const name = locks.name();
    expect(await locks.release([name], 'ann')).toBe('lost');
    expect(await locks.snapshot([name])).toEqual([{ type: 'none', dump: null, expiresAtMs: -2 }]);
  });

  it('lost: after its lease has ended, and the name is freed or handed over all the same', async () => {
    const locks = bench();
    const [free, waited] = [locks.name(), locks.name()];
    for (const name of [free, waited]) await locks.hold([name], 'ann');
    await locks.queue(waited, 'bob');
    for (const name of [free, waited]) {
      await locks.expire(name);
      expect(await locks.release([name], 'ann')).toBe('lost');
    }
    expect(Object.keys(await locks.state(free))).toEqual(['f']);
    expect(await locks.owner(waited)).toBe('bob');
  });

  it('several names: one that is lost makes the answer lost, and the others are freed', async () => {
    const locks = bench();
    const names = [locks.name(), locks.name(), locks.name()];
    await locks.hold(names, 'ann');
    await locks.expire(names[1]!);
    await locks.hold([names[1]!], 'bob');
    expect(await locks.release(names, 'ann')).toBe('lost');
    expect(await Promise.all(names.map((name) => locks.owner(name)))).toEqual([undefined, 'bob', undefined]);
  });

  it('G9: a waiter leaves its queue, and the holder notices nothing', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    const { x, a, f } = await locks.state(name);
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    expect(await locks.release([name], 'bob')).toBe('lost');
    expect(await locks.waiting(name)).toEqual(['cid']);
    expect(await locks.state(name)).toMatchObject({ t: 'ann', x, a, f });
    const before = await locks.snapshot([name]);
    expect(await locks.release([name], 'bob')).toBe('lost');
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it.each([1, 2])('G41: a key of another type in place %i of two is an error, and no key is written', async (at) => {
    const locks = bench();
    const names = [locks.name(), locks.name()];
    const held = names[2 - at]!;
    await locks.hold([held], 'ann');
    await locks.queue(held, 'bob');
    await locks.bench.client.sadd(locks.keyOf(names[at - 1]!), 'foreign');
    const before = await locks.snapshot(names);
    for (const minHoldMs of [0, LONG_MS]) {
      await expect(locks.release(names, 'ann', minHoldMs)).rejects.toThrow(/^WRONGTYPE/);
    }
    expect(await locks.snapshot(names)).toEqual(before);
  });
});
