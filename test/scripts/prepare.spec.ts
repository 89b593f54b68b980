import { describe, expect, it } from '@jest/globals';

import { type IntentBench, LONG_MS, type Share, useIntentBench, type Write } from './intent-bench.js';

const DAY_MS = 86_400_000;

describe('prepare: what it writes', () => {
  const bench = useIntentBench();

  it('G14: prepared: the committed value stays, and beside it waits the write with the version it will have', async () => {
    const txn = bench();
    const [replaced, made, bumped, deleted] = [txn.key(), txn.key(), txn.key(), txn.key()];
    for (const key of [replaced, bumped, deleted])
      await txn.commits.apply({ key, kind: 'put', value: 'old', ttlMs: 0 });
    const { ver } = await txn.entry(replaced);
    const beforeMs = await txn.bench.timeMs();
    const share = txn.share(
      [
        { key: replaced, kind: 'put', value: 'new', ttlMs: 7 },
        { key: made, kind: 'put', value: 'new', strategy: 'counter' },
        { key: bumped, kind: 'bump', strategy: 'counter' },
        { key: deleted, kind: 'delete' },
      ],
      { whither: '["the key that decides","the first"]' },
    );
    const [atReplaced = 0, atMade = 0, atBumped, atDeleted] = await txn.prepared(share);
    expect(atReplaced).toBeGreaterThanOrEqual(beforeMs * 1_000);
    expect([atMade, atDeleted]).toEqual([atReplaced, atReplaced]);
    expect(atBumped).toBe(Number((await txn.entry(bumped)).ver) + 1);
    expect(await txn.entry(replaced)).toMatchObject({ v: 'old', ver, iv: 'new' });
    expect(Object.keys(await txn.entry(made)).sort()).toEqual(['i', 'iv']);
    const { deadlineMs, ...waiting } = await txn.waiting(replaced);
    expect(waiting).toEqual({
      txn: share.txn,
      kind: 'put',
      version: atReplaced,
      ttlMs: 7,
      expiresMs: 0,
      whither: '["the key that decides","the first"]',
    });
    expect(deadlineMs).toBeGreaterThanOrEqual(beforeMs + LONG_MS);
    expect(deadlineMs).toBeLessThanOrEqual((await txn.bench.timeMs()) + LONG_MS);
    expect(await txn.waiting(deleted)).toMatchObject({ kind: 'delete', version: atDeleted, deadlineMs });
    expect(await txn.bench.client.exists(share.record)).toBe(0);
  });

  it('G14: a key with a prepared write has no TTL, so that no eviction takes the write; its end waits in the intent', async () => {
    const txn = bench();
    const [ending, lasting, made] = [txn.key(), txn.key(), txn.key()];
    await txn.commits.apply({ key: ending, kind: 'put', ttlMs: LONG_MS }, { key: lasting, kind: 'put', ttlMs: 0 });
    const expiresMs = await txn.bench.client.pexpiretime(ending);
    await txn.prepared(txn.share([ending, lasting, made].map((key): Write => ({ key, kind: 'put' }))));
    for (const key of [ending, lasting, made]) expect(await txn.bench.client.pttl(key)).toBe(-1);
    expect([await txn.waiting(ending), await txn.waiting(lasting), await txn.waiting(made)]).toMatchObject([
      { expiresMs },
      { expiresMs: 0 },
      { expiresMs: 0 },
    ]);
  });

  it('ends the lease of whoever loads a value, once: a key without a version has nothing of it left', async () => {
    const txn = bench();
    const [absent, bare] = [txn.key(), txn.key()];
    await txn.commits.apply({ key: bare, kind: 'bump', ttlMs: LONG_MS });
    const endsMs = await txn.bench.client.pexpiretime(bare);
    for (const key of [absent, bare]) await txn.bench.run('fill-lease', [key], ['ann', LONG_MS]);
    const share = txn.share([absent, bare].map((key): Write => ({ key, kind: 'put' })));
    const first = await txn.prepare(share);
    for (const key of [absent, bare]) expect(await txn.entry(key)).not.toHaveProperty('f');
    expect([await txn.waiting(absent), await txn.waiting(bare)]).toMatchObject([
      { expiresMs: 0 },
      { expiresMs: endsMs },
    ]);
    const before = await txn.snapshot(absent, bare);
    expect(await txn.prepare(share)).toEqual(first);
    expect(await txn.snapshot(absent, bare)).toEqual(before);
    await txn.settle(share, 'aborted');
    expect(await txn.bench.client.exists(absent)).toBe(0);
    expect(await txn.bench.client.pexpiretime(bare)).toBe(endsMs);
  });

  it('G18: the lease of a lock lasts at least as long as told, its key a day longer, and its fence stays', async () => {
    const txn = bench();
    const [short, long] = [txn.locks.name(), txn.locks.name()];
    const fence = await txn.locks.hold([short], 'me', { leaseMs: LONG_MS });
    await txn.locks.hold([long], 'me', { leaseMs: 5 * LONG_MS });
    const { x: before } = await txn.locks.state(long);
    const guards = [short, long].map((name) => ({ key: txn.locks.keyOf(name), token: 'me' }));
    expect(await txn.prepare(txn.share([], { guards, guardMs: 2 * LONG_MS }))).toEqual(['prepared']);
    const nowMs = await txn.bench.timeMs();
    const { x, t, f } = await txn.locks.state(short);
    expect([t, Number(f)]).toEqual(['me', fence]);
    expect(Math.ceil((Number(x) - nowMs) / LONG_MS)).toBe(2);
    expect((await txn.locks.state(long)).x).toBe(before);
    for (const { key } of guards) {
      const [at, ends] = [await txn.bench.client.pexpiretime(key), Number(await txn.bench.client.hget(key, 'x'))];
      expect(at - ends).toBe(DAY_MS);
    }
  });

  it('called twice it answers the same and writes nothing, not even a later deadline', async () => {
    const txn = bench();
    const [one, two, lock] = [txn.key(), txn.key(), txn.locks.name()];
    const [version] = await txn.commits.apply({ key: one, kind: 'put' });
    await txn.locks.hold([lock], 'me', { leaseMs: 9 * LONG_MS });
    const guards = [{ key: txn.locks.keyOf(lock), token: 'me' }];
    const share = txn.share(
      [
        { key: one, kind: 'put', value: 'new', expected: version! },
        { key: two, kind: 'bump', strategy: 'timestamp' },
      ],
      { guards },
    );
    const first = await txn.prepare(share);
    const before = await txn.snapshot(share.record, one, two, guards[0]!.key);
    expect(await txn.prepare({ ...share, leftMs: 2 * LONG_MS })).toEqual(first);
    expect(await txn.snapshot(share.record, one, two, guards[0]!.key)).toEqual(before);
  });

  it('keeps values byte for byte', async () => {
    const txn = bench();
    for (const value of ['', '*', 'a\r\n\0b', '{"ünï":"💺"}', 'x'.repeat(1_048_576)]) {
      const key = txn.key();
      await txn.prepared(txn.share([{ key, kind: 'put', value }]));
      expect((await txn.entry(key)).iv).toBe(value);
    }
  });
});

describe('prepare: what it refuses, before any write', () => {
  const bench = useIntentBench();

  /** Prepares what must be refused and proves that nothing was written. */
  async function refused(txn: IntentBench, share: Share): Promise<unknown> {
    const keys = [
      share.record,
      ...share.operations.map(({ key }) => key),
      ...(share.guards ?? []).map(({ key }) => key),
    ];
    const before = await txn.snapshot(...keys);
    const reply = await txn.prepare(share);
    expect(await txn.snapshot(...keys)).toEqual(before);
    return reply;
  }

  it('G14: conflict: every entry with another version is named', async () => {
    const txn = bench();
    const [free, wrong, absent, right] = [txn.key(), txn.key(), txn.key(), txn.key()];
    const [atWrong = 0, atRight = 0] = await txn.commits.apply(
      { key: wrong, kind: 'put' },
      { key: right, kind: 'put' },
    );
    const share = txn.share([
      { key: free, kind: 'put' },
      { key: wrong, kind: 'bump', expected: atWrong - 1 },
      { key: absent, kind: 'delete', expected: '*' },
      { key: right, kind: 'put', expected: atRight },
    ]);
    expect(await refused(txn, share)).toEqual(['conflict', 2, String(atWrong), 3, '0']);
  });

  it('G14: intent: the prepared write of another transaction is named, before a conflict', async () => {
    const txn = bench();
    const [taken, wrong] = [txn.key(), txn.key()];
    await txn.prepared(txn.share([{ key: taken, kind: 'put', value: 'theirs' }]));
    const { i } = await txn.entry(taken);
    for (const kind of ['put', 'bump', 'delete'] as const) {
      const operations: Write[] = [
        { key: wrong, kind, expected: 7 },
        { key: taken, kind },
      ];
      expect(await refused(txn, txn.share(operations))).toEqual(['intent', 2, i]);
    }
  });

  it('G18: lock-lost: a lock of another token or one whose lease has ended is named, and no other one is extended', async () => {
    const txn = bench();
    const [held, foreign, expired] = [txn.locks.name(), txn.locks.name(), txn.locks.name()];
    await txn.locks.hold([held], 'me');
    await txn.locks.hold([foreign], 'other');
    await txn.locks.hold([expired], 'me');
    await txn.locks.expire(expired);
    for (const name of [foreign, expired, txn.locks.name()]) {
      const guards = [held, name].map((each) => ({ key: txn.locks.keyOf(each), token: 'me' }));
      const more = { guards, guardMs: 5 * LONG_MS };
      expect(await refused(txn, txn.share([{ key: txn.key(), kind: 'put' }], more))).toEqual(['lock-lost', 2]);
      expect(await refused(txn, txn.share([], more))).toEqual(['lock-lost', 2]);
    }
  });

  it('G14, G27: aborted: a transaction that is over in this slot, however it ended, and before anything else is looked at', async () => {
    const txn = bench();
    for (const record of ['aborted', 'committed', 'committed 1 2']) {
      const share = txn.share([{ key: txn.key(), kind: 'put', expected: 7 }], {
        guards: [{ key: txn.key('no lock'), token: 'me' }],
      });
      await txn.bench.client.set(share.record, record);
      expect(await refused(txn, share)).toEqual(['aborted']);
    }
  });

  it('leaves the lease of a key alone when it refuses', async () => {
    const txn = bench();
    const key = txn.key();
    await txn.bench.run('fill-lease', [key], ['ann', LONG_MS]);
    expect(await refused(txn, txn.share([{ key, kind: 'put', expected: '*' }]))).toEqual(['conflict', 1, '0']);
  });

  it.each(['first entry', 'last entry', 'lock'] as const)(
    'G41: a key of another type as the %s is an error, and no key is written',
    async (place) => {
      const txn = bench();
      const lock = txn.locks.name();
      await txn.locks.hold([lock], 'me');
      const keys = { 'first entry': txn.key(), 'last entry': txn.key(), lock: txn.locks.keyOf(lock) };
      await txn.bench.client.del(keys[place]);
      await txn.bench.client.rpush(keys[place], 'foreign');
      const share = txn.share(
        [
          { key: keys['first entry'], kind: 'put' },
          { key: keys['last entry'], kind: 'delete' },
        ],
        { guards: [{ key: keys.lock, token: 'me' }] },
      );
      const before = await txn.snapshot(share.record, ...Object.values(keys));
      await expect(txn.prepare(share)).rejects.toThrow(/^WRONGTYPE/);
      expect(await txn.snapshot(share.record, ...Object.values(keys))).toEqual(before);
    },
  );

  it.each(['three', '', '-1', '1e3', '9007199254740991'])(
    'G14, G41: an entry whose version %j nobody of ours wrote is an error, and no key is written',
    async (foreign) => {
      const txn = bench();
      const [one, two] = [txn.key(), txn.key()];
      await txn.bench.client.hset(two, { v: 'foreign', ver: foreign });
      for (const kind of ['put', 'bump', 'delete'] as const) {
        const share = txn.share([
          { key: one, kind: 'put' },
          { key: two, kind },
        ]);
        const before = await txn.snapshot(share.record, one, two);
        await expect(txn.prepare(share)).rejects.toThrow(/^WRONGTYPE an entry has a version/);
        expect(await txn.snapshot(share.record, one, two)).toEqual(before);
      }
    },
  );
});
