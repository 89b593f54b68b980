import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useFillBench } from './fill-bench.js';
import type { Write } from './intent-bench.js';

/** A transaction that a database decides is `published` by its owner, and made `void` by anybody else. */
describe('settle: what is decided elsewhere', () => {
  const bench = useFillBench();

  it('published: every write of the slot is visible with its version and its TTL', async () => {
    const txn = bench();
    const [replaced, bumped, deleted] = [txn.key(), txn.key(), txn.key()];
    await txn.commits.apply({ key: bumped, kind: 'put', value: 'kept', ttlMs: 0 }, { key: deleted, kind: 'put' });
    const share = txn.share([
      { key: replaced, kind: 'put', value: 'new', ttlMs: 3 * LONG_MS },
      { key: bumped, kind: 'bump' },
      { key: deleted, kind: 'delete' },
    ]);
    const versions = await txn.prepared(share);
    expect(await txn.settle(share, 'published', { versions })).toBe('OK');
    expect(await txn.entry(replaced)).toEqual({ v: 'new', ver: String(versions[0]) });
    expect(await txn.minutesLeft(replaced)).toBe(3);
    expect(await txn.entry(bumped)).toEqual({ v: 'kept', ver: String(versions[1]) });
    expect(await txn.entry(deleted)).toEqual({});
  });

  it.each(['published', 'void'] as const)(
    'G14: %s: a key without the intent is deleted with its lease, and one with the intent of others loses its value alone',
    async (verdict) => {
      const txn = bench();
      const [full, bare, leased, taken, absent] = [txn.key(), txn.key(), txn.key(), txn.key(), txn.key()];
      await txn.commits.apply({ key: full, kind: 'put' }, { key: bare, kind: 'bump' }, { key: taken, kind: 'put' });
      for (const key of [bare, leased]) await txn.lease(key, 'ann');
      await txn.bench.client.hset(taken, 's', '1 1');
      await txn.prepared(txn.share([{ key: taken, kind: 'put', value: 'theirs' }]));
      const { i, iv } = await txn.entry(taken);
      const keys = [full, bare, leased, taken, absent];
      const lost = txn.share(keys.map((key): Write => ({ key, kind: 'put' })));
      for (let call = 0; call < 2; call += 1) {
        await txn.settle(lost, verdict, { versions: keys.map(() => 1) });
        for (const key of [full, bare, leased, absent]) expect(await txn.entry(key)).toEqual({});
        expect(await txn.entry(taken)).toEqual({ i, iv });
        expect(await txn.bench.client.pttl(taken)).toBe(-1);
      }
    },
  );

  it('void: the write and the value beside it are gone, whatever the write was', async () => {
    const txn = bench();
    const keys = [txn.key(), txn.key(), txn.key()];
    await txn.commits.apply(...keys.map((key) => ({ key, kind: 'put', value: 'old' }) as const));
    const kinds = ['put', 'bump', 'delete'] as const;
    const share = txn.share(keys.map((key, i): Write => ({ key, kind: kinds[i]! })));
    await txn.prepared(share);
    expect(await txn.settle(share, 'void')).toBe('OK');
    expect(await txn.bench.client.exists(...keys)).toBe(0);
  });

  it('G27: the record says committed of what was published and aborted of what is void, and refuses a late prepare', async () => {
    const txn = bench();
    for (const [verdict, outcome] of [
      ['published', 'committed'],
      ['void', 'aborted'],
    ] as const) {
      const share = txn.share([{ key: txn.key(), kind: 'put' }]);
      await txn.prepared(share);
      await txn.settle(share, verdict, { rememberMs: LONG_MS });
      expect(await txn.bench.client.get(share.record)).toBe(outcome);
      expect(await txn.minutesLeft(share.record)).toBe(1);
      const before = await txn.snapshot(share.record, share.operations[0]!.key);
      for (const again of ['published', 'void'] as const)
        await txn.settle({ ...share, operations: [] }, again, { rememberMs: 9 * LONG_MS });
      expect(await txn.prepare(share)).toEqual(['aborted']);
      expect(await txn.snapshot(share.record, share.operations[0]!.key)).toEqual(before);
    }
  });

  it('G27: a comparison of a transaction that is void is refused', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.settle(share, 'void', { rememberMs: LONG_MS });
    const operations = [{ key: txn.key(), kind: 'check', expected: 0 }] as const;
    expect(await txn.commits.commit({ outcome: share.record, operations, outcomeTtlMs: 0 })).toEqual(['aborted']);
  });

  it.each(['published', 'void'] as const)(
    'G14, G41: %s: a key of another type is an error, and no key is written',
    async (verdict) => {
      const txn = bench();
      const [foreign, other] = [txn.key(), txn.key()];
      await txn.bench.client.rpush(foreign, 'foreign');
      const share = txn.share([{ key: other, kind: 'put' }]);
      await txn.prepared(share);
      const operations: Write[] = [...share.operations, { key: foreign, kind: 'put' }];
      const before = await txn.snapshot(share.record, foreign, other);
      await expect(txn.settle({ ...share, operations }, verdict, { rememberMs: LONG_MS })).rejects.toThrow(
        /^WRONGTYPE/,
      );
      expect(await txn.snapshot(share.record, foreign, other)).toEqual(before);
    },
  );
});

describe('settle: a lease of a key that has lost its write', () => {
  const bench = useFillBench();

  it('G14: ends when the owner of the write settles it as committed', async () => {
    const txn = bench();
    const key = txn.key();
    await txn.lease(key, 'ann');
    const lost = txn.share([{ key, kind: 'put' }]);
    await txn.settle(lost, 'committed');
    expect((await txn.entry(key)).f).toBe('ann');
    await txn.settle(lost, 'committed', { versions: [1] });
    expect(await txn.entry(key)).toEqual({});
  });
});
