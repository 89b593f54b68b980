import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useIntentBench, type Write } from './intent-bench.js';

describe('settle', () => {
  const bench = useIntentBench();

  it('G14, G27: committed: every write of the slot is visible with its version and its TTL, and no field of it is left', async () => {
    const txn = bench();
    const [ending, lasting, bumped, begun, deleted] = [txn.key(), txn.key(), txn.key(), txn.key(), txn.key()];
    await txn.commits.apply(
      { key: ending, kind: 'put', value: 'old', ttlMs: 0 },
      { key: lasting, kind: 'put', value: 'old', ttlMs: LONG_MS },
      { key: bumped, kind: 'put', value: 'kept', ttlMs: LONG_MS },
      { key: deleted, kind: 'put', value: 'old' },
    );
    const endsMs = await txn.bench.client.pexpiretime(bumped);
    const share = txn.share([
      { key: ending, kind: 'put', value: 'new', ttlMs: 3 * LONG_MS },
      { key: lasting, kind: 'put', value: 'new', ttlMs: 0 },
      { key: bumped, kind: 'bump', ttlMs: 9 },
      { key: begun, kind: 'bump', ttlMs: 3 * LONG_MS },
      { key: deleted, kind: 'delete' },
    ]);
    const versions = (await txn.prepared(share)).map(String);
    expect(await txn.settle(share, 'committed')).toBe('OK');
    expect(await txn.entry(ending)).toEqual({ v: 'new', ver: versions[0] });
    expect(await txn.entry(lasting)).toEqual({ v: 'new', ver: versions[1] });
    expect(await txn.entry(bumped)).toEqual({ v: 'kept', ver: versions[2] });
    expect(await txn.entry(begun)).toEqual({ ver: versions[3] });
    expect(await txn.entry(deleted)).toEqual({});
    for (const key of [ending, begun]) expect(Math.ceil((await txn.bench.client.pttl(key)) / LONG_MS)).toBe(3);
    expect(await txn.bench.client.pttl(lasting)).toBe(-1);
    expect(await txn.bench.client.pexpiretime(bumped)).toBe(endsMs);
    expect(await txn.bench.client.exists(share.record)).toBe(0);
  });

  it('G14: aborted: every key is what it was before the prepare, its end included', async () => {
    const txn = bench();
    const keys = [txn.key(), txn.key(), txn.key(), txn.key()];
    const [ending = '', lasting = '', bare = ''] = keys;
    await txn.commits.apply(
      { key: ending, kind: 'put', value: 'old', ttlMs: LONG_MS },
      { key: lasting, kind: 'put', value: 'old', ttlMs: 0 },
      { key: bare, kind: 'bump', ttlMs: LONG_MS },
    );
    const state = () =>
      Promise.all(keys.map(async (key) => [await txn.entry(key), await txn.bench.client.pexpiretime(key)]));
    const before = await state();
    for (const kind of ['put', 'bump', 'delete'] as const) {
      const share = txn.share(keys.map((key): Write => ({ key, kind, value: 'new' })));
      await txn.prepared(share);
      expect(await txn.settle(share, 'aborted')).toBe('OK');
      expect(await state()).toEqual(before);
    }
  });

  it('an entry that ended while its write waited is gone, and a bump makes a new one without its value', async () => {
    const txn = bench();
    const [taken, bumped, replaced] = [txn.key(), txn.key(), txn.key()];
    const all = [taken, bumped, replaced];
    await txn.commits.apply(...all.map((key) => ({ key, kind: 'put', value: 'old' }) as const));
    const back = txn.share([{ key: taken, kind: 'put' }]);
    const on = txn.share([
      { key: bumped, kind: 'bump', ttlMs: 3 * LONG_MS },
      { key: replaced, kind: 'put', value: 'new', ttlMs: 0 },
    ]);
    await txn.prepared(back);
    const versions = (await txn.prepared(on)).map(String);
    // As if the time of the entries had passed.
    for (const key of all) {
      const { i = '' } = await txn.entry(key);
      await txn.bench.client.hset(key, 'i', i.replace(/^((?:\S+ ){5})\d+/, '$11'));
    }
    await txn.settle(back, 'aborted');
    await txn.settle(on, 'committed');
    expect(await txn.entry(taken)).toEqual({});
    expect(await txn.entry(bumped)).toEqual({ ver: versions[0] });
    expect(Math.ceil((await txn.bench.client.pttl(bumped)) / LONG_MS)).toBe(3);
    expect(await txn.entry(replaced)).toEqual({ v: 'new', ver: versions[1] });
    expect(await txn.bench.client.pttl(replaced)).toBe(-1);
  });

  it('G27: leaves a record with a TTL that refuses a late prepare, or none; one that is there already stays', async () => {
    const txn = bench();
    for (const verdict of ['committed', 'aborted'] as const) {
      const share = txn.share([{ key: txn.key(), kind: 'put' }]);
      await txn.settle(share, verdict);
      expect(await txn.bench.client.exists(share.record)).toBe(0);
      await txn.settle(share, verdict, { rememberMs: LONG_MS });
      expect(await txn.bench.client.get(share.record)).toBe(verdict);
      expect(Math.ceil((await txn.bench.client.pttl(share.record)) / LONG_MS)).toBe(1);
      const before = await txn.snapshot(share.record);
      for (const again of ['committed', 'aborted'] as const)
        await txn.settle(share, again, { rememberMs: 9 * LONG_MS });
      expect(await txn.snapshot(share.record)).toEqual(before);
      expect(await txn.prepare(share)).toEqual(['aborted']);
    }
    const decided = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(decided);
    await txn.decide(decided);
    const before = await txn.snapshot(decided.record);
    await txn.settle(decided, 'committed', { rememberMs: LONG_MS });
    expect(await txn.snapshot(decided.record)).toEqual(before);
  });

  it('called twice it writes nothing more, whatever has become of the keys', async () => {
    const txn = bench();
    for (const verdict of ['committed', 'aborted'] as const) {
      const [one, two] = [txn.key(), txn.key()];
      const share = txn.share([
        { key: one, kind: 'put', value: 'new', ttlMs: 0 },
        { key: two, kind: 'delete' },
      ]);
      const versions = await txn.prepared(share);
      await txn.settle(share, verdict, { rememberMs: LONG_MS, versions });
      await txn.commits.apply({ key: two, kind: 'put', ttlMs: 0 });
      const before = await txn.snapshot(share.record, one, two);
      await txn.settle(share, verdict, { rememberMs: LONG_MS, versions });
      await txn.settle(share, 'committed');
      await txn.settle(share, 'aborted');
      expect(await txn.snapshot(share.record, one, two)).toEqual(before);
    }
  });

  it('G14: the owner’s settlement deletes what is older than a write that got lost, and nothing else', async () => {
    const txn = bench();
    const keys = [txn.key(), txn.key(), txn.key(), txn.key(), txn.key()];
    const [older = '', same = '', newer = '', taken = '', absent = ''] = keys;
    const at = await txn.commits.apply(...[older, same, newer, taken].map((key) => ({ key, kind: 'put' }) as const));
    await txn.prepared(txn.share([{ key: taken, kind: 'put' }]));
    const lost = txn.share(keys.map((key): Write => ({ key, kind: 'put' })));
    const before = await txn.snapshot(...keys);
    const versions = [at[0]! + 1, at[1]!, at[2]! - 1, at[3]! + 1, at[0]!];
    await txn.settle(lost, 'committed');
    await txn.settle(lost, 'aborted', { versions });
    expect(await txn.snapshot(...keys)).toEqual(before);
    await txn.settle(lost, 'committed', { versions });
    const [gone, ...rest] = await txn.snapshot(...keys);
    expect([gone!.type, rest]).toEqual(['none', before.slice(1)]);
    expect(await txn.bench.client.exists(absent)).toBe(0);
  });

  it.each(['first', 'last'] as const)(
    'G14, G41: a key of another type as the %s is an error, and no key is written',
    async (place) => {
      const txn = bench();
      const [foreign, other] = [txn.key(), txn.key()];
      await txn.bench.client.rpush(foreign, 'foreign');
      const share = txn.share([{ key: other, kind: 'put' }]);
      await txn.prepared(share);
      const strange: Write = { key: foreign, kind: 'put' };
      const operations = place === 'first' ? [strange, ...share.operations] : [...share.operations, strange];
      const before = await txn.snapshot(share.record, foreign, other);
      for (const verdict of ['committed', 'aborted'] as const) {
        const settling = txn.settle({ ...share, operations }, verdict, { rememberMs: LONG_MS });
        await expect(settling).rejects.toThrow(/^WRONGTYPE/);
      }
      expect(await txn.snapshot(share.record, foreign, other)).toEqual(before);
    },
  );
});
