import { describe, expect, it } from '@jest/globals';

import { LONG_MS, useCommitBench, type Operation } from './commit-bench.js';

/** A year of microseconds: a version of a server whose clock was wrong. */
const YEAR_US = 31_557_600_000_000;

describe('commit: what it writes', () => {
  const bench = useCommitBench();

  it('G14: committed: applies every operation and answers the version of each entry, 0 for none', async () => {
    const txn = bench();
    const [put, bumped, checked, deleted, absent] = [1, 2, 3, 4, 5].map(() => txn.key()) as [
      string,
      string,
      string,
      string,
      string,
    ];
    for (const key of [put, bumped, checked, deleted]) await txn.apply({ key, kind: 'put', value: 'old' });
    const beforeUs = await txn.bench.timeUs();
    const { ver: checkedVersion } = await txn.entry(checked);
    const versions = await txn.apply(
      { key: put, kind: 'put', value: 'new' },
      { key: bumped, kind: 'bump' },
      { key: checked, kind: 'check' },
      { key: deleted, kind: 'delete' },
      { key: absent, kind: 'check' },
    );
    const [written = 0] = versions;
    expect(written).toBeGreaterThanOrEqual(beforeUs);
    expect(written).toBeLessThanOrEqual(await txn.bench.timeUs());
    expect(versions).toEqual([written, written, Number(checkedVersion), 0, 0]);
    expect(await txn.entry(put)).toEqual({ v: 'new', ver: String(written) });
    expect(await txn.entry(bumped)).toEqual({ v: 'old', ver: String(written) });
    expect(await txn.entry(checked)).toEqual({ v: 'old', ver: checkedVersion });
    for (const key of [deleted, absent]) expect(await txn.entry(key)).toEqual({});
  });

  it('keeps values byte for byte', async () => {
    const txn = bench();
    for (const value of ['', '*', '0', 'a\r\n\0b', '{"ünï":"💺"}', 'x'.repeat(1_048_576)]) {
      const key = txn.key();
      await txn.apply({ key, kind: 'put', value });
      expect((await txn.entry(key)).v).toBe(value);
    }
  });

  it('a put sets the TTL of the entry, and 0 keeps it for ever, whatever it had before', async () => {
    const txn = bench();
    const key = txn.key();
    const ttls: number[] = [];
    for (const ttlMs of [LONG_MS, 0, 2 * LONG_MS, 0]) {
      await txn.apply({ key, kind: 'put', ttlMs });
      ttls.push(await txn.bench.client.pttl(key));
    }
    expect(ttls.map((ttl) => (ttl < 0 ? ttl : Math.ceil(ttl / LONG_MS)))).toEqual([1, -1, 2, -1]);
  });

  it('a bump keeps value and TTL, and makes an absent entry with a version, its own TTL and no value', async () => {
    const txn = bench();
    const [kept, made] = [txn.key(), txn.key()];
    await txn.apply({ key: kept, kind: 'put', value: 'kept', ttlMs: LONG_MS });
    const [before] = await txn.snapshot(kept);
    const [, version] = await txn.apply(
      { key: kept, kind: 'bump', ttlMs: 5 },
      { key: made, kind: 'bump', ttlMs: LONG_MS },
    );
    const [after] = await txn.snapshot(kept);
    expect(after!.expiresAtMs).toBe(before!.expiresAtMs);
    expect((await txn.entry(kept)).v).toBe('kept');
    expect(await txn.entry(made)).toEqual({ ver: String(version) });
    expect(Math.ceil((await txn.bench.client.pttl(made)) / LONG_MS)).toBe(1);
  });

  it('G28: a counter adds one; a timestamp is the server’s time; both go on from a version that is ahead of the clock', async () => {
    const txn = bench();
    const key = txn.key();
    const [first = 0] = await txn.apply({ key, kind: 'put', strategy: 'counter' });
    expect(await txn.apply({ key, kind: 'put', strategy: 'counter' })).toEqual([first + 1]);
    expect(await txn.apply({ key, kind: 'bump', strategy: 'counter' })).toEqual([first + 2]);
    const beforeUs = await txn.bench.timeUs();
    expect((await txn.apply({ key, kind: 'bump', strategy: 'timestamp' }))[0]).toBeGreaterThanOrEqual(beforeUs);

    const ahead = beforeUs + YEAR_US;
    await txn.bench.client.hset(key, 'ver', ahead);
    for (const [index, strategy] of (['timestamp', 'counter', 'timestamp'] as const).entries()) {
      expect(await txn.apply({ key, kind: 'put', strategy })).toEqual([ahead + 1 + index]);
    }
  });

  it('G28: the largest version that can be told is reached and not passed', async () => {
    const txn = bench();
    const key = txn.key();
    await txn.bench.client.hset(key, 'ver', Number.MAX_SAFE_INTEGER - 1);
    expect(await txn.apply({ key, kind: 'put', strategy: 'counter' })).toEqual([Number.MAX_SAFE_INTEGER]);
    await expect(txn.apply({ key, kind: 'put', strategy: 'counter' })).rejects.toThrow(/version/);
  });

  it('G28: a counter that starts again after a delete is larger than before', async () => {
    const txn = bench();
    const operation: Operation = { key: txn.key(), kind: 'put', strategy: 'counter' };
    const [before = 0] = await txn.apply(operation);
    await txn.apply({ key: operation.key, kind: 'delete' });
    expect((await txn.apply(operation))[0]).toBeGreaterThan(before);
  });

  it('G28: a write ends the lease of whoever loads a value, and the TTL that it gave; a comparison leaves both', async () => {
    const txn = bench();
    const [compared, replaced, bumped, deleted] = [txn.key(), txn.key(), txn.key(), txn.key()];
    for (const key of [compared, replaced, bumped, deleted]) await txn.bench.run('fill-lease', [key], ['ann', 60_000]);
    const before = await txn.snapshot(compared);
    const [, atReplaced, atBumped] = await txn.apply(
      { key: compared, kind: 'check', expected: 0 },
      { key: replaced, kind: 'put', value: 'new', ttlMs: 0 },
      { key: bumped, kind: 'bump', ttlMs: 0 },
      { key: deleted, kind: 'delete' },
    );
    expect(await txn.snapshot(compared)).toEqual(before);
    expect(await txn.entry(replaced)).toEqual({ v: 'new', ver: String(atReplaced) });
    expect(await txn.entry(bumped)).toEqual({ ver: String(atBumped) });
    for (const key of [replaced, bumped]) expect(await txn.bench.client.pttl(key)).toBe(-1);
    expect(await txn.entry(deleted)).toEqual({});
  });

  it('G19: applies 128 entries under one version', async () => {
    const txn = bench();
    const keys = Array.from({ length: 128 }, () => txn.key());
    const versions = await txn.apply(...keys.map((key): Operation => ({ key, kind: 'put', value: key })));
    expect(new Set(versions).size).toBe(1);
    expect(await txn.entry(keys[127]!)).toEqual({ v: keys[127], ver: String(versions[127]) });
  });
});
