import { describe, expect, it } from '@jest/globals';

import { DAY_MS, useLockBench, withoutDeadlines } from './lock-bench.js';

describe('lock-renew', () => {
  const bench = useLockBench();

  it('G8: one number for each key, in order: 1 extended, 0 lost', async () => {
    const locks = bench();
    const [mine, foreign, expired, free, mineToo] = [1, 2, 3, 4, 5].map(() => locks.name()) as string[] & { length: 5 };
    await locks.hold([mine!, expired!, mineToo!], 'ann');
    await locks.hold([foreign!], 'bob');
    await locks.expire(expired!);
    const names = [mine!, foreign!, expired!, free!, mineToo!];
    expect(await locks.renew(...names.map((name) => ({ name, token: 'ann' })))).toEqual([1, 0, 0, 0, 1]);
  });

  it('extends lease and key from now, each key by its own lease, and nothing else of the lock', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    await locks.hold([one, two], 'ann', { leaseMs: 5_000 });
    await locks.queue(one, 'bob');
    const before = [await locks.state(one), await locks.state(two)].map(withoutDeadlines);
    const fromMs = await locks.bench.timeMs();
    await locks.renew({ name: one, token: 'ann', leaseMs: 20_000 }, { name: two, token: 'ann', leaseMs: 40_000 });
    const toMs = await locks.bench.timeMs();
    for (const [name, leaseMs] of [
      [one, 20_000],
      [two, 40_000],
    ] as const) {
      const { x } = await locks.state(name);
      expect(Number(x)).toBeGreaterThanOrEqual(fromMs + leaseMs);
      expect(Number(x)).toBeLessThanOrEqual(toMs + leaseMs);
      const [key] = await locks.snapshot([name]);
      expect(Math.abs(key!.expiresAtMs - Number(x) - DAY_MS)).toBeLessThan(1_000);
    }
    expect([await locks.state(one), await locks.state(two)].map(withoutDeadlines)).toEqual(before);
  });

  it('called twice, only counts from the later moment', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann');
    const request = { name, token: 'ann', leaseMs: 20_000, fence: fence + 7 };
    await locks.renew(request);
    const before = await locks.state(name);
    expect(await locks.renew(request)).toEqual([1]);
    const after = await locks.state(name);
    expect(withoutDeadlines(after)).toEqual(withoutDeadlines(before));
    expect(Number(after.x)).toBeGreaterThanOrEqual(Number(before.x));
  });

  it('G7: a lost lock is left alone: a wrong token, an ended lease nobody has taken, a name that is free or only waited for', async () => {
    const locks = bench();
    const [foreign, expired, released, unknown] = [locks.name(), locks.name(), locks.name(), locks.name()];
    await locks.hold([foreign], 'bob');
    await locks.queue(foreign, 'ann');
    for (const name of [expired, released]) await locks.hold([name], 'ann');
    await locks.expire(expired);
    await locks.release([released], 'ann');
    const names = [foreign, expired, released, unknown];
    const before = await locks.snapshot(names);
    const requests = names.map((name) => ({ name, token: 'ann', fence: Number.MAX_SAFE_INTEGER }));
    expect(await locks.renew(...requests)).toEqual([0, 0, 0, 0]);
    expect(await locks.snapshot(names)).toEqual(before);
  });

  it('G2: raises the stored fence to the given one, never lowers it, and leaves it with 0', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann');
    for (const [given, stored] of [
      [fence + 10, fence + 10],
      [fence + 5, fence + 10],
      [0, fence + 10],
    ] as const) {
      await locks.renew({ name, token: 'ann', fence: given });
      expect((await locks.state(name)).f).toBe(String(stored));
    }
    await locks.release([name], 'ann');
    expect(await locks.hold([name], 'bob')).toBeGreaterThan(fence + 10);
  });

  it('renews a hundred names in one call', async () => {
    const locks = bench();
    const names = Array.from({ length: 100 }, () => locks.name());
    await locks.hold(names, 'ann', { leaseMs: 5_000 });
    const renewed = await locks.renew(...names.map((name) => ({ name, token: 'ann' })));
    expect(renewed).toEqual(names.map(() => 1));
    expect(await locks.bench.client.hget(locks.keyOf(names[99]!), 't')).toBe('ann');
  });

  it.each([1, 2])('G41: a key of another type in place %i of two is lost, and the other one is renewed', async (at) => {
    const locks = bench();
    const names = [locks.name(), locks.name()];
    await locks.hold([names[2 - at]!], 'ann');
    await locks.bench.client.zadd(locks.keyOf(names[at - 1]!), 1, 'foreign');
    const [before] = await locks.snapshot([names[at - 1]!]);
    const held = await locks.renew(...names.map((name) => ({ name, token: 'ann' })));
    expect(held).toEqual(at === 1 ? [0, 1] : [1, 0]);
    expect(await locks.snapshot([names[at - 1]!])).toEqual([before]);
  });
});
