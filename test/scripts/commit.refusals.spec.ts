import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useCommitBench, type CommitBench, type Operation } from './commit-bench.js';

describe('commit: what it refuses, without writing anything', () => {
  const bench = useCommitBench();

  /** The reply to a commit that must leave its keys and its outcome record as they were. */
  async function refused(
    txn: CommitBench,
    operations: readonly Operation[],
    guards: readonly { key: string; token: string }[] = [],
  ): Promise<(string | number)[]> {
    const outcome = txn.key('outcome');
    const keys = [outcome, ...operations.map(({ key }) => key), ...guards.map(({ key }) => key)];
    const before = await txn.snapshot(...keys);
    const reply = await txn.commit({ outcome, operations, guards });
    expect(await txn.snapshot(...keys)).toEqual(before);
    return reply;
  }

  async function heldLock(txn: CommitBench, token: string): Promise<string> {
    const key = txn.key('lock');
    await txn.bench.run('lock-acquire', [key], [token, 'inbox', LONG_MS, LONG_MS, 0, 10, key]);
    return key;
  }

  it('G17: conflict: names every entry with another version than expected, with the actual one', async () => {
    const txn = bench();
    const [one, two, absent, right] = [txn.key(), txn.key(), txn.key(), txn.key()];
    const [first = 0, second = 0, third = 0] = await txn.apply(
      { key: one, kind: 'put', strategy: 'counter' },
      { key: two, kind: 'put' },
      { key: right, kind: 'put' },
    );
    const reply = await refused(txn, [
      { key: right, kind: 'put', expected: third },
      { key: one, kind: 'check', expected: first + 1 },
      { key: two, kind: 'delete', expected: 0 },
      { key: absent, kind: 'put', expected: 5 },
    ]);
    expect(reply).toEqual(['conflict', 2, String(first), 3, String(second), 4, '0']);
  });

  it.each(['check', 'put', 'bump', 'delete'] as const)('G32: a %s that expects any entry finds none', async (kind) => {
    const txn = bench();
    expect(await refused(txn, [{ key: txn.key(), kind, expected: '*' }])).toEqual(['conflict', 1, '0']);
    const key = txn.key();
    await txn.apply({ key, kind: 'put' });
    expect((await txn.commit({ outcome: txn.key(), operations: [{ key, kind, expected: '*' }] }))[0]).toBe('committed');
  });

  const INTENT = 'other-txn 1 put 7 0 0 decider';

  it('G14: intent: an entry with another transaction’s prepared write is named', async () => {
    const txn = bench();
    const [free, prepared] = [txn.key(), txn.key()];
    await txn.apply({ key: prepared, kind: 'put', value: 'committed' });
    await txn.bench.client.hset(prepared, { i: INTENT, iv: 'staged' });
    for (const kind of ['check', 'put', 'bump', 'delete'] as const) {
      expect(
        await refused(txn, [
          { key: free, kind: 'put' },
          { key: prepared, kind },
        ]),
      ).toEqual(['intent', 2, INTENT]);
    }
  });

  it('G18: lock-lost: a lock of another token, one whose lease has ended, a released and a blocked one', async () => {
    const txn = bench();
    const [mine, foreign, expired, released, blocked] = [
      await heldLock(txn, 'me'),
      await heldLock(txn, 'other'),
      await heldLock(txn, 'me'),
      await heldLock(txn, 'me'),
      await heldLock(txn, 'me'),
    ];
    await txn.bench.client.hset(expired, 'x', 1);
    await txn.bench.run('lock-release', [released], ['me', 0, released]);
    await txn.bench.run('lock-release', [blocked], ['me', LONG_MS, blocked]);
    const operations: Operation[] = [
      { key: txn.key(), kind: 'put' },
      { key: txn.key(), kind: 'bump' },
    ];
    for (const key of [foreign, expired, released, blocked, txn.key('never held')]) {
      const guards = [
        { key: mine, token: 'me' },
        { key, token: 'me' },
      ];
      expect(await refused(txn, operations, guards)).toEqual(['lock-lost', 2]);
    }
    const guards = [{ key: mine, token: 'me' }];
    expect((await txn.commit({ outcome: txn.key(), operations, guards }))[0]).toBe('committed');
  });

  it('G18: a lost lock is told before a conflict: the answer of a paused holder is that it is no holder', async () => {
    const txn = bench();
    const operations: Operation[] = [{ key: txn.key(), kind: 'put', expected: 7 }];
    expect(await refused(txn, operations, [{ key: txn.key(), token: 'me' }])).toEqual(['lock-lost', 1]);
  });

  it.each(['outcome', 'first entry', 'last entry', 'lock'] as const)(
    'G41: a key of another type as the %s is an error, and no key is written',
    async (place) => {
      const txn = bench();
      const keys = { outcome: txn.key(), first: txn.key(), last: txn.key(), lock: await heldLock(txn, 'me') };
      const foreign = { outcome: keys.outcome, 'first entry': keys.first, 'last entry': keys.last, lock: keys.lock }[
        place
      ];
      await txn.bench.client.del(foreign);
      await txn.bench.client.rpush(foreign, 'foreign');
      const before = await txn.snapshot(...Object.values(keys));
      const operations: Operation[] = [
        { key: keys.first, kind: 'put' },
        { key: keys.last, kind: 'delete' },
      ];
      const guards = [{ key: keys.lock, token: 'me' }];
      await expect(txn.commit({ outcome: keys.outcome, operations, guards })).rejects.toThrow(/^WRONGTYPE/);
      expect(await txn.snapshot(...Object.values(keys))).toEqual(before);
    },
  );

  it.each(['three', '', '-1', '1e3', '0x10', '1.5', 'nan', ' 7', '9007199254740991'])(
    'G14, G41: an entry whose version %j nobody of ours wrote is an error, and no key is written',
    async (foreign) => {
      const txn = bench();
      const [outcome, one, two] = [txn.key('outcome'), txn.key(), txn.key()];
      await txn.bench.client.hset(two, { v: 'foreign', ver: foreign });
      const before = await txn.snapshot(outcome, one, two);
      for (const kind of ['put', 'bump', 'check', 'delete'] as const) {
        const operations: Operation[] = [
          { key: one, kind: 'put' },
          { key: two, kind },
        ];
        await expect(txn.commit({ outcome, operations })).rejects.toThrow(/^WRONGTYPE an entry has a version/);
      }
      expect(await txn.snapshot(outcome, one, two)).toEqual(before);
    },
  );
});
