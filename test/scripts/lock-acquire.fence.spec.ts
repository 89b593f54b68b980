import { describe, expect, it } from '@jest/globals';

import { useLockBench } from './lock-bench.js';

/** A year of microseconds: a stored fence of a server whose clock was wrong. */
const YEAR_US = 31_557_600_000_000;

describe('lock-acquire: the fence', () => {
  const bench = useLockBench();

  it('G2: grows with every acquisition of a name, by whomever, and is the stored one plus one when that is ahead of the clock', async () => {
    const locks = bench();
    const name = locks.name();
    const ahead = (await locks.bench.timeUs()) + YEAR_US;
    await locks.set(name, { f: String(ahead) });
    const fences: number[] = [];
    for (const token of ['ann', 'bob', 'ann', 'ann']) {
      fences.push(await locks.hold([name], token));
      await locks.release([name], token);
    }
    expect(fences).toEqual([ahead + 1, ahead + 2, ahead + 3, ahead + 4]);
  });

  it('G2: is larger than every earlier one also after the stored number was lost', async () => {
    const locks = bench();
    const name = locks.name();
    const before = await locks.hold([name], 'ann');
    await locks.bench.client.del(locks.keyOf(name));
    expect(await locks.hold([name], 'bob')).toBeGreaterThan(before);
  });

  it('G2: grows when a lease has ended and the same or another token takes the lock', async () => {
    const locks = bench();
    const name = locks.name();
    const fences = [await locks.hold([name], 'ann')];
    for (const token of ['ann', 'bob', 'ann']) {
      await locks.expire(name);
      fences.push(await locks.hold([name], token));
    }
    expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
  });

  it('G2: of several names is one number, larger than the stored one of each', async () => {
    const locks = bench();
    const names = [locks.name(), locks.name(), locks.name()];
    const ahead = (await locks.bench.timeUs()) + YEAR_US;
    await locks.set(names[0]!, { f: '5' });
    await locks.set(names[1]!, { f: String(ahead) });
    expect(await locks.hold(names, 'ann')).toBe(ahead + 1);
    for (const name of names) expect((await locks.state(name)).f).toBe(String(ahead + 1));
  });

  it('G2: is minted anew when a free name joins held ones, and not when all of them were held', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    const first = await locks.hold([one], 'ann');
    const both = await locks.hold([one, two], 'ann');
    expect(both).toBeGreaterThan(first);
    expect(await locks.hold([one, two], 'ann')).toBe(both);
    expect(await locks.hold([two], 'ann')).toBe(both);
  });

  it('G5: of a hand-over is larger than the holder’s, also when that is ahead of the clock', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.set(name, { f: String((await locks.bench.timeUs()) + YEAR_US) });
    const held = await locks.hold([name], 'ann');
    await locks.queue(name, 'bob');
    await locks.release([name], 'ann');
    expect(await locks.hold([name], 'bob')).toBe(held + 1);
  });
});
