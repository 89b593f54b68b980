import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useIntentBench } from './intent-bench.js';

describe('transaction-open', () => {
  const bench = useIntentBench();

  it('G27: lists the transaction with the moment at which it is overdue, by the server’s time, and without a TTL', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    const fromMs = await scripts.timeMs();
    expect(await scripts.run('transaction-open', [list], ['a transaction', LONG_MS])).toBe('OK');
    const overdueMs = Number(await scripts.client.zscore(list, 'a transaction'));
    expect(overdueMs).toBeGreaterThanOrEqual(fromMs + LONG_MS);
    expect(overdueMs).toBeLessThanOrEqual((await scripts.timeMs()) + LONG_MS);
    expect(await scripts.client.pttl(list)).toBe(-1);
  });

  it('called twice it only moves the time, also nearer', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    for (const leftMs of [5 * LONG_MS, LONG_MS]) {
      await scripts.run('transaction-open', [list], ['one', leftMs]);
      const leftNow = Number(await scripts.client.zscore(list, 'one')) - (await scripts.timeMs());
      expect(Math.ceil(leftNow / LONG_MS)).toBe(leftMs / LONG_MS);
    }
    expect(await scripts.client.zcard(list)).toBe(1);
  });

  it('G41: a key of another type is an error, and is not written', async () => {
    const { bench: scripts } = bench();
    const list = bench().key('open');
    await scripts.client.set(list, 'foreign');
    await expect(scripts.run('transaction-open', [list], ['one', LONG_MS])).rejects.toThrow(/^WRONGTYPE/);
    expect(await scripts.client.get(list)).toBe('foreign');
  });
});
