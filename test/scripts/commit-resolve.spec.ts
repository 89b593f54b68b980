import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useCommitBench } from './commit-bench.js';

describe('commit-resolve', () => {
  const bench = useCommitBench();

  it('G20: committed: answers what the commit answered, and writes nothing, called once or twice', async () => {
    const txn = bench();
    const [outcome, one, two] = [txn.key('outcome'), txn.key(), txn.key()];
    await txn.apply({ key: two, kind: 'put' });
    const operations = [
      { key: one, kind: 'put' },
      { key: two, kind: 'delete' },
    ] as const;
    const committed = await txn.commit({ outcome, operations });
    const before = await txn.snapshot(outcome, one, two);
    for (let call = 0; call < 2; call += 1) expect(await txn.resolve(outcome)).toEqual(committed);
    expect(await txn.snapshot(outcome, one, two)).toEqual(before);
  });

  it('G20: aborted: without an outcome it becomes aborted, for the time given, whatever is asked later', async () => {
    const txn = bench();
    const outcome = txn.key('outcome');
    expect(await txn.resolve(outcome, LONG_MS)).toEqual(['aborted']);
    expect(await txn.bench.client.get(outcome)).toBe('aborted');
    expect(Math.ceil((await txn.bench.client.pttl(outcome)) / LONG_MS)).toBe(1);
    const [before] = await txn.snapshot(outcome);
    expect(await txn.resolve(outcome, LONG_MS)).toEqual(['aborted']);
    const [after] = await txn.snapshot(outcome);
    expect(after!.dump).toBe(before!.dump);
    expect(after!.expiresAtMs).toBeGreaterThanOrEqual(before!.expiresAtMs);
  });

  it('G20: of commit and resolve the first decides, for both', async () => {
    const txn = bench();
    const operations = [{ key: txn.key(), kind: 'put' }] as const;
    for (let round = 0; round < 20; round += 1) {
      const outcome = txn.key('outcome');
      const calls = [() => txn.commit({ outcome, operations }), () => txn.resolve(outcome)];
      const [one, other] = await Promise.all((round % 2 === 0 ? calls : calls.reverse()).map((call) => call()));
      expect(other).toEqual(one);
    }
  });

  it('G41: a key of another type is an error, and is not written', async () => {
    const txn = bench();
    const outcome = txn.key('outcome');
    await txn.bench.client.hset(outcome, 'foreign', 'yes');
    const before = await txn.snapshot(outcome);
    await expect(txn.resolve(outcome)).rejects.toThrow(/^WRONGTYPE/);
    expect(await txn.snapshot(outcome)).toEqual(before);
  });
});
