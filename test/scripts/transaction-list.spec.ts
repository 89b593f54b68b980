import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useIntentBench } from './intent-bench.js';

describe('transaction-list', () => {
  const bench = useIntentBench();

  it('G27: tells what is on its way with the time it is overdue and the server’s own, the oldest first, and writes nothing', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    const nowMs = await scripts.timeMs();
    await scripts.client.zadd(list, nowMs + LONG_MS, 'later', 7, 'first', nowMs - 1, 'second');
    const before = await scripts.snapshot([list]);
    const [toldMs, ...told] = (await scripts.run('transaction-list', [list], [10])) as string[];
    expect(Number(toldMs)).toBeGreaterThanOrEqual(nowMs);
    expect(Number(toldMs)).toBeLessThanOrEqual(await scripts.timeMs());
    expect(told).toEqual(['first', '7', 'second', String(nowMs - 1), 'later', String(nowMs + LONG_MS)]);
    expect(await scripts.run('transaction-list', [list], [1])).toHaveLength(3);
    expect(await scripts.snapshot([list])).toEqual(before);
  });

  it('of an absent list tells the time alone', async () => {
    expect(await bench().bench.run('transaction-list', [bench().key('open')], [10])).toHaveLength(1);
  });

  it('G41: a key of another type is an error', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    await scripts.client.set(list, 'foreign');
    await expect(scripts.run('transaction-list', [list], [10])).rejects.toThrow(/^WRONGTYPE/);
  });
});
