import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useCommitBench, type Operation } from './commit-bench.js';

describe('commit: its outcome record', () => {
  const bench = useCommitBench();

  it('G20: holds the versions of the answer, for the time asked', async () => {
    const txn = bench();
    const outcome = txn.key('outcome');
    const operations: Operation[] = [
      { key: txn.key(), kind: 'put' },
      { key: txn.key(), kind: 'check' },
    ];
    const [, ...versions] = await txn.commit({ outcome, operations, outcomeTtlMs: LONG_MS });
    expect(await txn.bench.client.get(outcome)).toBe(versions.join(' '));
    expect(Math.ceil((await txn.bench.client.pttl(outcome)) / LONG_MS)).toBe(1);
  });

  it('G20: called twice, answers the same and writes nothing, even when the entries have changed since', async () => {
    const txn = bench();
    const outcome = txn.key('outcome');
    const [put, deleted] = [txn.key(), txn.key()];
    const [before] = await txn.apply({ key: deleted, kind: 'put' }, { key: put, kind: 'put' });
    const commit = {
      outcome,
      operations: [
        { key: put, kind: 'put', strategy: 'counter', value: 'mine' },
        { key: deleted, kind: 'delete', expected: before! },
      ],
    } as const;
    const reply = await txn.commit(commit);
    const after = await txn.snapshot(outcome, put, deleted);
    expect(await txn.commit(commit)).toEqual(reply);
    expect(await txn.snapshot(outcome, put, deleted)).toEqual(after);

    await txn.apply({ key: put, kind: 'put', value: 'later' }, { key: deleted, kind: 'put' });
    const later = await txn.snapshot(outcome, put, deleted);
    expect(await txn.commit(commit)).toEqual(reply);
    expect(await txn.snapshot(outcome, put, deleted)).toEqual(later);
  });

  it('G20: aborted: a commit that was declared aborted writes nothing, however often it arrives', async () => {
    const txn = bench();
    const outcome = txn.key('outcome');
    const key = txn.key();
    await txn.resolve(outcome);
    const before = await txn.snapshot(outcome, key);
    for (let call = 0; call < 2; call += 1) {
      expect(await txn.commit({ outcome, operations: [{ key, kind: 'put' }] })).toEqual(['aborted']);
    }
    expect(await txn.snapshot(outcome, key)).toEqual(before);
  });

  it('a refused commit leaves no record: the same id may be tried again', async () => {
    const txn = bench();
    const [outcome, key] = [txn.key('outcome'), txn.key()];
    expect(await txn.commit({ outcome, operations: [{ key, kind: 'put', expected: 1 }] })).toEqual([
      'conflict',
      1,
      '0',
    ]);
    expect((await txn.commit({ outcome, operations: [{ key, kind: 'put', expected: 0 }] }))[0]).toBe('committed');
  });

  it('G19: with a time of 0 none is written, as for a transaction that only read', async () => {
    const txn = bench();
    const [outcome, key] = [txn.key('outcome'), txn.key()];
    const operations: Operation[] = [{ key, kind: 'check', expected: 0 }];
    expect(await txn.commit({ outcome, operations, outcomeTtlMs: 0 })).toEqual(['committed', '0']);
    expect(await txn.bench.client.exists(outcome, key)).toBe(0);
  });
});
