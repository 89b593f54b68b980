import { describe, expect, it } from '@jest/globals';

import { DAY_MS, LONG_MS, useLockBench, withoutDeadlines } from './lock-bench.js';

/** Slack for the time that passes between two commands of a test. */
const SLACK_MS = 1_000;

describe('lock-acquire', () => {
  const bench = useLockBench();

  it('acquired: one hash holds owner, lease, moment and fence, and outlives the lease by a day', async () => {
    const locks = bench();
    const name = locks.name();
    const beforeUs = await locks.bench.timeUs();
    const reply = await locks.acquire([name], 'ann', { leaseMs: 5_000 });
    const afterUs = await locks.bench.timeUs();

    const { f: fence = '', a: acquiredAt = '', ...rest } = await locks.state(name);
    expect(reply).toEqual(['acquired', Number(fence)]);
    expect(Number(fence)).toBeGreaterThanOrEqual(beforeUs);
    expect(Number(fence)).toBeLessThanOrEqual(afterUs);
    expect(Number(acquiredAt)).toBe(Math.floor(Number(fence) / 1_000));
    expect(rest).toEqual({ t: 'ann', o: 'in:ann', x: String(Number(acquiredAt) + 5_000) });
    const [key] = await locks.snapshot([name]);
    expect(Math.abs(key!.expiresAtMs - Number(acquiredAt) - 5_000 - DAY_MS)).toBeLessThan(SLACK_MS);
  });

  it('G3: called twice, the same token finds its lock: same fence, same state, the lease counted from now', async () => {
    const locks = bench();
    const name = locks.name();
    const first = await locks.acquire([name], 'ann', { leaseMs: 5_000 });
    const before = await locks.state(name);
    expect(await locks.acquire([name], 'ann', { leaseMs: 50_000 })).toEqual(first);
    const after = await locks.state(name);
    expect(withoutDeadlines(after)).toEqual(withoutDeadlines(before));
    expect(Number(after.x)).toBeGreaterThanOrEqual(Number(before.x) + 45_000);
    const [key] = await locks.snapshot([name]);
    expect(Math.abs(key!.expiresAtMs - Number(after.x) - DAY_MS)).toBeLessThan(SLACK_MS);
  });

  it('G1: busy: another token that does not queue is told how long at most, and writes nothing', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann', { leaseMs: 5_000 });
    const before = await locks.snapshot([name]);
    const [kind, index, remaining] = await locks.acquire([name], 'bob');
    expect([kind, index]).toEqual(['busy', 1]);
    expect(Number(remaining)).toBeGreaterThan(0);
    expect(Number(remaining)).toBeLessThanOrEqual(5_000);
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it('queued: another token that queues gets a place, the time left and the present fence', async () => {
    const locks = bench();
    const name = locks.name();
    const fence = await locks.hold([name], 'ann', { leaseMs: 5_000 });
    const before = await locks.state(name);
    const nowMs = await locks.bench.timeMs();
    const asking = { queueMs: 2_000, claimMs: 1_500 };
    const [kind, index, remaining, stored] = await locks.acquire([name], 'bob', asking);
    expect([kind, index, stored]).toEqual(['queued', 1, String(fence)]);
    expect(Number(remaining)).toBeLessThanOrEqual(5_000);
    const { 'w:bob': waiter = '', ...rest } = await locks.state(name);
    expect(rest).toEqual({ ...before, h: '0', q: '1', 'q:1': 'bob' });
    expect(waiter).toMatch(/^1 \d+ 1500 in:bob$/);
    expect(Math.abs(Number(waiter.split(' ')[1]) - nowMs - 2_000)).toBeLessThan(SLACK_MS);
  });

  it('G11: without queueing several names are taken all or none, and the first busy one is named', async () => {
    const locks = bench();
    const [one, two, three] = [locks.name(), locks.name(), locks.name()];
    await locks.hold([two], 'bob');
    const before = await locks.snapshot([one, two, three]);
    expect(await locks.acquire([one, two, three], 'ann')).toEqual(['busy', 2, expect.stringMatching(/^\d+$/)]);
    expect(await locks.snapshot([one, two, three])).toEqual(before);
  });

  it('G11: while it queues at a busy name the names before it are held, and those after it are left alone', async () => {
    const locks = bench();
    const [one, two, three] = [locks.name(), locks.name(), locks.name()];
    await locks.hold([two], 'bob');
    const asking = { queueMs: LONG_MS };
    expect((await locks.acquire([one, two, three], 'ann', asking)).slice(0, 2)).toEqual(['queued', 2]);
    const before = [await locks.state(one), await locks.state(two)].map(withoutDeadlines);
    expect(before[0]).toMatchObject({ t: 'ann' });
    expect(before[1]).toMatchObject({ t: 'bob', 'q:1': 'ann' });

    await locks.acquire([one, two, three], 'ann', asking);
    expect([await locks.state(one), await locks.state(two)].map(withoutDeadlines)).toEqual(before);
    expect(await locks.state(three)).toEqual({});
  });

  it.each([1, 2, 3])(
    'G41: a key of another type in place %i of three is an error, and no key is written',
    async (at) => {
      const locks = bench();
      const names = [locks.name(), locks.name(), locks.name()];
      await locks.bench.client.rpush(locks.keyOf(names[at - 1]!), 'foreign');
      const before = await locks.snapshot(names);
      for (const queueMs of [0, LONG_MS]) {
        await expect(locks.acquire(names, 'ann', { queueMs })).rejects.toThrow(/^WRONGTYPE/);
      }
      expect(await locks.snapshot(names)).toEqual(before);
    },
  );
});
