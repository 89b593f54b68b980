import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useLockBench } from './lock-bench.js';

describe('lock-inspect', () => {
  const bench = useLockBench();

  it('describes each key in order: fence, owner, age, time left and waiters, or nothing when it is not held', async () => {
    const locks = bench();
    const [held, free, released, expired] = [locks.name(), locks.name(), locks.name(), locks.name()];
    for (const name of [held, released, expired]) await locks.hold([name], 'ann', { leaseMs: 5_000 });
    for (const token of ['bob', 'cid']) await locks.queue(held, token);
    await locks.release([released], 'ann');
    await locks.expire(expired);
    const { f: fence, a, x } = await locks.state(held);
    const infos = (await locks.inspect([free, held, released, expired])) as string[][];
    const [, info = []] = infos;
    expect(infos).toEqual([[], info, [], []]);
    const [heldForMs, expiresInMs] = [Number(info[2]), Number(info[3])];
    expect(info).toEqual([fence, 'in:ann', String(heldForMs), String(expiresInMs), '2']);
    expect(heldForMs + expiresInMs).toBe(Number(x) - Number(a));
    expect(expiresInMs).toBeLessThanOrEqual(5_000);
  });

  it('counts a waiter that has died until somebody walks past it', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.queue(name, 'bob');
    await locks.bury(name, 'bob');
    expect(((await locks.inspect([name])) as string[][])[0]![4]).toBe('1');
  });

  it('G12: a name that a min-hold blocks has no owner', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.release([name], 'ann', LONG_MS);
    expect(((await locks.inspect([name])) as string[][])[0]![1]).toBe('');
  });

  it('G42: answers no token, neither the holder’s nor a waiter’s', async () => {
    const locks = bench();
    const name = locks.name();
    const args = ['secret-1', 'inbox', LONG_MS, LONG_MS, LONG_MS, 10, name];
    await locks.bench.run('lock-acquire', [locks.keyOf(name)], args);
    await locks.bench.run('lock-acquire', [locks.keyOf(name)], ['secret-2', ...args.slice(1)]);
    const answer = JSON.stringify(await locks.inspect([name]));
    expect(answer).toContain('inbox');
    expect(answer).not.toContain('secret');
  });

  it('a lock acquired by a clock that was ahead has an age of 0', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.set(name, { a: String((await locks.bench.timeMs()) + LONG_MS) });
    expect(((await locks.inspect([name])) as string[][])[0]![2]).toBe('0');
  });

  it('writes nothing, called once or twice', async () => {
    const locks = bench();
    const names = [locks.name(), locks.name()];
    await locks.hold([names[0]!], 'ann');
    await locks.queue(names[0]!, 'bob');
    const before = await locks.snapshot(names);
    for (let call = 0; call < 2; call += 1) await locks.inspect(names);
    expect(await locks.snapshot(names)).toEqual(before);
  });

  it('G41: a key of another type is an error', async () => {
    const locks = bench();
    const names = [locks.name(), locks.name()];
    await locks.bench.client.set(locks.keyOf(names[1]!), 'foreign');
    const before = await locks.snapshot(names);
    await expect(locks.inspect(names)).rejects.toThrow(/^WRONGTYPE/);
    expect(await locks.snapshot(names)).toEqual(before);
  });
});
