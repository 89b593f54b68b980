import { describe, expect, it } from '@jest/globals';

import { countCommands } from '../support/counting/command-stats.js';
import { LONG_MS, useLockBench, withoutDeadlines } from './lock-bench.js';

describe('lock-acquire: the queue', () => {
  const bench = useLockBench();

  it('G5: serves waiters in the order in which they queued', async () => {
    const locks = bench();
    const name = locks.name();
    const order = ['w3', 'w1', 'w5', 'w2', 'w4'];
    await locks.hold([name], 'ann');
    for (const token of order) await locks.queue(name, token);
    const owners: (string | undefined)[] = [];
    for (let holder: string | undefined = 'ann'; holder !== undefined;) {
      await locks.release([name], holder);
      holder = await locks.owner(name);
      owners.push(holder);
    }
    expect(owners).toEqual([...order, undefined]);
  });

  it('G3: called twice, a waiter keeps its one place and only extends its deadline', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.queue(name, 'bob', { queueMs: 1_000 });
    await locks.queue(name, 'cid');
    const before = await locks.state(name);
    await locks.queue(name, 'bob', { queueMs: LONG_MS });
    const after = await locks.state(name);
    expect(withoutDeadlines(after)).toEqual(withoutDeadlines(before));
    const deadline = (record = ''): number => Number(record.split(' ')[1]);
    expect(deadline(after['w:bob'])).toBeGreaterThan(deadline(before['w:bob']) + LONG_MS / 2);
  });

  it('G3: a claim of a fraction of a millisecond does not cost a waiter its place', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    for (let call = 0; call < 2; call += 1) await locks.queue(name, 'bob', { claimMs: 1_500.5 });
    expect(await locks.waiting(name)).toEqual(['bob']);
  });

  it('G5: an expired lock is its first waiter’s: whoever asks hands it over and queues behind', async () => {
    const locks = bench();
    const name = locks.name();
    const before = await locks.hold([name], 'ann');
    await locks.queue(name, 'bob', { claimMs: 1_500 });
    await locks.expire(name);
    const [kind, index, remaining, fence] = await locks.acquire([name], 'cid', { queueMs: LONG_MS });
    expect([kind, index]).toEqual(['queued', 1]);
    expect(Number(remaining)).toBe(1_500);
    expect(Number(fence)).toBeGreaterThan(before);
    expect(await locks.state(name)).toMatchObject({ t: 'bob', o: 'in:bob', f: fence });
    expect(await locks.waiting(name)).toEqual(['cid']);
  });

  it('G5: a name without an owner is its first waiter’s as well', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.queue(name, 'bob');
    await locks.bench.client.hdel(locks.keyOf(name), 't', 'x', 'a', 'o');
    await locks.queue(name, 'cid');
    expect([await locks.owner(name), await locks.waiting(name)]).toEqual(['bob', ['cid']]);
  });

  it('G5: a waiter that takes the expired lock itself leaves the queue, and is not served again', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    await locks.hold([one], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(one, token);
    await locks.expire(one);
    await locks.hold([one, two], 'bob');
    expect(await locks.waiting(one)).toEqual(['cid']);
    await locks.release([one], 'bob');
    expect(await locks.owner(one)).toBe('cid');
  });

  it('G5: an expired lock with a waiter is busy for a caller that does not queue, and nothing is written', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.queue(name, 'bob');
    await locks.expire(name);
    const before = await locks.snapshot([name]);
    expect(await locks.acquire([name], 'cid')).toEqual(['busy', 1, '0']);
    expect(await locks.snapshot([name])).toEqual(before);
  });

  it('G9: waiters whose place has lapsed are skipped and removed', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    for (const token of ['dead1', 'dead2', 'bob', 'dead3']) await locks.queue(name, token);
    for (const token of ['dead1', 'dead2', 'dead3']) await locks.bury(name, token);
    await locks.release([name], 'ann');
    expect(await locks.owner(name)).toBe('bob');
    await locks.release([name], 'bob');
    expect(Object.keys(await locks.state(name))).toEqual(['f']);
  });

  it('G9: a lapsed waiter in front does not make a free lock busy', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    await locks.queue(name, 'dead');
    await locks.bury(name, 'dead');
    await locks.expire(name);
    expect((await locks.acquire([name], 'bob'))[0]).toBe('acquired');
  });

  it('G9: waiters that have left, in front, in the middle and at the end, are never served', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    for (const token of ['left1', 'bob', 'left2', 'cid', 'left3']) await locks.queue(name, token);
    for (const token of ['left3', 'left2', 'left1']) await locks.release([name], token);
    expect(await locks.waiting(name)).toEqual(['bob', 'cid']);
    for (const holder of ['ann', 'bob', 'cid']) {
      expect(await locks.owner(name)).toBe(holder);
      await locks.release([name], holder);
    }
    expect(await locks.owner(name)).toBeUndefined();
  });

  it('G9: places that were given up in front leave nothing to walk over for the next hand-over', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    for (const token of ['w1', 'w2', 'w3', 'w4', 'w5']) await locks.queue(name, token);
    for (const token of ['w2', 'w4', 'w1', 'w3']) await locks.release([name], token);
    expect(await locks.state(name)).toMatchObject({ h: '4', q: '5', 'q:5': 'w5' });
    await locks.release([name], 'w5');
    expect(await locks.state(name)).toMatchObject({ h: '5', q: '5' });
  });

  it('S18: full: a queue with as many waiters as it admits takes no more, none of the names, and writes nothing', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    await locks.hold([two], 'ann');
    const asking = { queueMs: LONG_MS, maxWaiters: 2 };
    for (const token of ['bob', 'cid']) await locks.queue(two, token, asking);
    const before = await locks.snapshot([one, two]);
    expect(await locks.acquire([one, two], 'dan', asking)).toEqual(['full', 2]);
    expect(await locks.snapshot([one, two])).toEqual(before);
    await locks.queue(two, 'cid', asking);
    expect(await locks.waiting(two)).toEqual(['bob', 'cid']);
  });

  it('S18: a full queue first drops its dead, and keeps the order of the living', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    const asking = { maxWaiters: 3 };
    for (const token of ['dead1', 'bob', 'dead2']) await locks.queue(name, token, asking);
    for (const token of ['dead1', 'dead2']) await locks.bury(name, token);
    await locks.queue(name, 'cid', asking);
    expect(await locks.waiting(name)).toEqual(['bob', 'cid']);
    expect(Object.keys(await locks.state(name)).filter((field) => field.startsWith('w:'))).toEqual(['w:bob', 'w:cid']);
  });

  it('S18: refusing a caller costs the server the same few commands, however long the full queue is', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    const costs: number[] = [];
    for (let waiters = 1; waiters <= 40; waiters += 1) {
      await locks.queue(name, `w${waiters}`);
      const counted = await countCommands(locks.bench.client);
      expect(await locks.acquire([name], 'late', { queueMs: LONG_MS, maxWaiters: waiters })).toEqual(['full', 1]);
      costs.push(Object.values(await counted()).reduce((sum, calls) => sum + calls));
    }
    expect(new Set(costs).size).toBe(1);
  });
});
