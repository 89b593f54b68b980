import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useIntentBench } from './intent-bench.js';

describe('transaction-overdue', () => {
  const bench = useIntentBench();

  it('G27: tells what is overdue by the server’s time, the oldest first, as many as asked for, and writes nothing', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    const nowMs = await scripts.timeMs();
    await scripts.client.zadd(
      list,
      nowMs - 1,
      'third',
      7,
      'first',
      nowMs - LONG_MS,
      'second',
      nowMs + LONG_MS,
      'later',
    );
    const before = await scripts.snapshot([list]);
    const overdue = (limit: number) => scripts.run('transaction-overdue', [list], [limit]);
    expect(await overdue(10)).toEqual(['first', 'second', 'third']);
    expect(await overdue(2)).toEqual(['first', 'second']);
    expect(await scripts.snapshot([list])).toEqual(before);
  });

  it('G27: a transaction is overdue in the very millisecond that its time ends', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    await scripts.run('transaction-open', [list], ['now', 0]);
    expect(await scripts.run('transaction-overdue', [list], [10])).toEqual(['now']);
  });

  it('of an absent list tells nothing', async () => {
    expect(await bench().bench.run('transaction-overdue', [bench().key('open')], [10])).toEqual([]);
  });

  it('G41: a key of another type is an error', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    await scripts.client.set(list, 'foreign');
    await expect(scripts.run('transaction-overdue', [list], [10])).rejects.toThrow(/^WRONGTYPE/);
  });
});
