import { describe, expect, it } from '@jest/globals';

import { type IntentBench, LONG_MS, type Reply, type Share, useIntentBench } from './intent-bench.js';

describe('decide', () => {
  const bench = useIntentBench();

  /** Every key that the decision may touch. */
  const keysOf = ({ record, operations }: Share, checks: readonly { key: string }[] = []): string[] => [
    record,
    ...[...operations, ...checks].map(({ key }) => key),
  ];

  it('G14, G27: committed: writes the decision, which has no TTL, and the entries with theirs, in one step', async () => {
    const txn = bench();
    const [put, bumped, deleted, read] = [txn.key(), txn.key(), txn.key(), txn.key()];
    await txn.commits.apply({ key: bumped, kind: 'put', value: 'kept' }, { key: deleted, kind: 'put' });
    const endsMs = await txn.bench.client.pexpiretime(bumped);
    const [atRead = 0] = await txn.commits.apply({ key: read, kind: 'put' });
    const share = txn.share([
      { key: put, kind: 'put', value: 'new', ttlMs: 5 * LONG_MS },
      { key: bumped, kind: 'bump' },
      { key: deleted, kind: 'delete' },
    ]);
    const versions = (await txn.prepared(share)).map(String);
    const [before] = await txn.snapshot(read);
    expect(await txn.decide(share, [{ key: read, expected: atRead }])).toEqual([
      'committed',
      ...versions,
      String(atRead),
    ]);
    expect(await txn.entry(put)).toEqual({ v: 'new', ver: versions[0] });
    expect(Math.ceil((await txn.bench.client.pttl(put)) / LONG_MS)).toBe(5);
    expect(await txn.entry(bumped)).toEqual({ v: 'kept', ver: versions[1] });
    expect(await txn.bench.client.pexpiretime(bumped)).toBe(endsMs);
    expect(await txn.entry(deleted)).toEqual({});
    expect(await txn.snapshot(read)).toEqual([before]);
    expect(await txn.bench.client.get(share.record)).toBe(`committed ${versions.join(' ')} ${atRead}`);
    expect(await txn.bench.client.pttl(share.record)).toBe(-1);
  });

  it('G20: called twice it answers the same and writes nothing; so does whoever lost the answer', async () => {
    const txn = bench();
    const read = txn.key();
    const share = txn.share([{ key: txn.key(), kind: 'put', value: 'new' }]);
    await txn.prepared(share);
    const checks = [{ key: read, expected: 0 }];
    const first = await txn.decide(share, checks);
    await txn.commits.apply({ key: read, kind: 'put' });
    const before = await txn.snapshot(...keysOf(share, checks));
    expect(await txn.decide(share, checks)).toEqual(first);
    expect(await txn.commits.resolve(share.record)).toEqual(first);
    expect(await txn.snapshot(...keysOf(share, checks))).toEqual(before);
  });

  it.each<[string, (txn: IntentBench, share: Share) => Promise<unknown>]>([
    ['whose time is over', (txn, { operations }) => txn.overrun(operations[1]!.key)],
    ['with an intent that is gone', (txn, { operations }) => txn.bench.client.del(operations[0]!.key)],
    [
      'with the intent of somebody else in its place',
      async (txn, share) => {
        await txn.settle({ ...share, operations: [share.operations[1]!] }, 'aborted');
        await txn.prepared(txn.share([share.operations[1]!]));
      },
    ],
  ])('G14, G27: aborted: a transaction %s is refused for good, and only the record is written', async (_, disturb) => {
    const txn = bench();
    const [one, two] = [txn.key(), txn.key()];
    await txn.commits.apply({ key: one, kind: 'put', value: 'old' }, { key: two, kind: 'put', value: 'old' });
    const share = txn.share([
      { key: one, kind: 'put', value: 'new' },
      { key: two, kind: 'put', value: 'new' },
    ]);
    await txn.prepared(share);
    await disturb(txn, share);
    const before = await txn.snapshot(one, two);
    for (let call = 0; call < 2; call += 1) expect(await txn.decide(share)).toEqual(['aborted']);
    expect(await txn.snapshot(one, two)).toEqual(before);
    expect(await txn.bench.client.get(share.record)).toBe('aborted');
    expect(Math.ceil((await txn.bench.client.pttl(share.record)) / LONG_MS)).toBe(1);
    expect(await txn.prepare({ ...share, leftMs: LONG_MS })).toEqual(['aborted']);
  });

  it('G20: aborted: what others have declared aborted stays so, and nothing is written', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    expect(await txn.commits.resolve(share.record)).toEqual(['aborted']);
    const before = await txn.snapshot(...keysOf(share));
    expect(await txn.decide(share)).toEqual(['aborted']);
    expect(await txn.snapshot(...keysOf(share))).toEqual(before);
  });

  /** Decides what must be left undecided and proves that nothing was written. */
  async function undecided(
    txn: IntentBench,
    share: Share,
    checks: readonly { key: string; expected: number | string }[],
  ): Promise<Reply> {
    const before = await txn.snapshot(...keysOf(share, checks));
    const reply = await txn.decide(share, checks);
    expect(await txn.snapshot(...keysOf(share, checks))).toEqual(before);
    return reply;
  }

  it('G16: conflict: every entry only read that has another version is named, and nothing is decided', async () => {
    const txn = bench();
    const [right, wrong, absent] = [txn.key(), txn.key(), txn.key()];
    const at = await txn.commits.apply({ key: right, kind: 'put' }, { key: wrong, kind: 'put' });
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const checks = [
      { key: wrong, expected: 0 },
      { key: right, expected: at[0]! },
      { key: absent, expected: '*' },
    ];
    expect(await undecided(txn, share, checks)).toEqual(['conflict', 1, String(at[1]), 3, '0']);
    expect((await txn.decide(share, [{ key: wrong, expected: at[1]! }]))[0]).toBe('committed');
  });

  it('G16: intent: an entry only read that somebody else is about to write is named, and nothing is decided', async () => {
    const txn = bench();
    const [free, read] = [txn.key(), txn.key()];
    await txn.prepared(txn.share([{ key: read, kind: 'put' }]));
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const { i } = await txn.entry(read);
    const checks = [
      { key: free, expected: 0 },
      { key: read, expected: 0 },
    ];
    expect(await undecided(txn, share, checks)).toEqual(['intent', 2, i]);
  });

  it.each(['record', 'prepared', 'read'] as const)(
    'G41: a key of another type as the one that was %s is an error, and no key is written',
    async (place) => {
      const txn = bench();
      const [one, two, read] = [txn.key(), txn.key(), txn.key()];
      const share = txn.share([
        { key: one, kind: 'put' },
        { key: two, kind: 'put' },
      ]);
      await txn.prepared(share);
      const foreign = { record: share.record, prepared: two, read }[place];
      await txn.bench.client.del(foreign);
      await txn.bench.client.rpush(foreign, 'foreign');
      const checks = [{ key: read, expected: 0 }];
      const before = await txn.snapshot(...keysOf(share, checks));
      await expect(txn.decide(share, checks)).rejects.toThrow(/^WRONGTYPE/);
      expect(await txn.snapshot(...keysOf(share, checks))).toEqual(before);
    },
  );

  it('G14, G41: an entry only read whose version nobody of ours wrote is an error, and nothing is decided', async () => {
    const txn = bench();
    const read = txn.key();
    await txn.bench.client.hset(read, { v: 'foreign', ver: 'three' });
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const checks = [{ key: read, expected: '*' }];
    const before = await txn.snapshot(...keysOf(share, checks));
    await expect(txn.decide(share, checks)).rejects.toThrow(/^WRONGTYPE an entry has a version/);
    expect(await txn.snapshot(...keysOf(share, checks))).toEqual(before);
  });
});
