import { beforeAll, describe, expect, it } from '@jest/globals';

import { CommitBench } from './commit-bench.js';
import { IntentBench, type Share } from './intent-bench.js';
import { LONG_MS, useLockBench } from './lock-bench.js';

const OOM = /^OOM /;

/** Lua does not roll back, so a full server must refuse a script before its first write or let all of it happen. */
describe('a server that is out of memory and evicts nothing', () => {
  const bench = useLockBench();
  const names = { held: 'held', waited: 'waited', forced: 'forced' };
  const committed = { outcome: 'outcome', operations: [{ key: 'entry', kind: 'put', value: 'before' }] } as const;
  const txn = (): CommitBench => new CommitBench(bench().bench);
  const intents = (): IntentBench => new IntentBench(bench().bench);
  /** Transactions over several slots that are on their way. */
  const share = (name: string): Share => {
    return { txn: name, record: `record ${name}`, operations: [{ key: `of ${name}`, kind: 'put', value: 'new' }] };
  };
  const [taken, given, asked, refused] = ['taken', 'given', 'asked', 'refused'].map(share) as [
    Share,
    Share,
    Share,
    Share,
  ];
  /** Likewise, and a database decides them. */
  const [published, voided] = ['published', 'voided'].map(share) as [Share, Share];

  beforeAll(async () => {
    const locks = bench();
    for (const name of Object.values(names)) await locks.hold([name], 'ann');
    for (const name of [names.waited, names.forced]) await locks.queue(name, 'bob');
    await txn().commit(committed);
    for (const each of [taken, given, asked, refused, published, voided]) await intents().prepared(each);
    await intents().overrun(asked.operations[0]!.key);
    await locks.bench.run('fill-lease', ['leased'], ['ann', LONG_MS]);
    await locks.bench.client.config('SET', 'maxmemory', 1, 'maxmemory-policy', 'noeviction');
    await expect(locks.bench.client.set('anything', 'else')).rejects.toThrow(OOM);
  });

  it('refuses lock-acquire before any write: taking, asking again and queueing', async () => {
    const locks = bench();
    const all = ['free', ...Object.values(names)];
    const before = await locks.snapshot(all);
    await expect(locks.acquire(['free'], 'ann')).rejects.toThrow(OOM);
    await expect(locks.acquire([names.held], 'ann')).rejects.toThrow(OOM);
    await expect(locks.acquire(['free', names.held], 'bob', { queueMs: LONG_MS })).rejects.toThrow(OOM);
    expect(await locks.snapshot(all)).toEqual(before);
  });

  it('G14: refuses commit before any write', async () => {
    const keys = ['outcome-2', 'entry', 'entry-2'];
    const before = await txn().snapshot(...keys);
    const operations = [
      { key: 'entry', kind: 'put', value: 'after' },
      { key: 'entry-2', kind: 'bump' },
    ] as const;
    await expect(txn().commit({ outcome: 'outcome-2', operations })).rejects.toThrow(OOM);
    expect(await txn().snapshot(...keys)).toEqual(before);
  });

  it('refuses fill-lease and fill before any write', async () => {
    const before = await txn().snapshot('unleased', 'leased');
    await expect(bench().bench.run('fill-lease', ['unleased'], ['ann', LONG_MS])).rejects.toThrow(OOM);
    await expect(bench().bench.run('fill', ['leased'], ['ann', 0, 'counter', 0, 'value'])).rejects.toThrow(OOM);
    expect(await txn().snapshot('unleased', 'leased')).toEqual(before);
  });

  it('G27: settles what a database has decided, and tells what is overdue', async () => {
    expect(await intents().ask(asked, undefined, 0)).toEqual(['overdue']);
    await intents().settle(published, 'published', { rememberMs: LONG_MS });
    await intents().settle(voided, 'void', { rememberMs: LONG_MS });
    expect(await intents().entry(published.operations[0]!.key)).toMatchObject({ v: 'new' });
    expect(await intents().entry(voided.operations[0]!.key)).toEqual({});
  });

  it('G8: renews what is held', async () => {
    const locks = bench();
    const { x: before } = await locks.state(names.held);
    expect(await locks.renew({ name: names.held, token: 'ann', leaseMs: 2 * LONG_MS })).toEqual([1]);
    expect(Number((await locks.state(names.held)).x)).toBeGreaterThan(Number(before));
  });

  it('G4, G5: releases, and hands over to the waiter', async () => {
    const locks = bench();
    expect(await locks.inspect([names.held])).toMatchObject([{ 1: 'in:ann' }]);
    expect(await locks.release([names.held], 'ann', LONG_MS)).toBe('released');
    expect(await locks.forceRelease(names.held)).toBe(1);
    expect(await locks.release([names.waited], 'ann')).toBe('released');
    expect(await locks.forceRelease(names.forced)).toBe(1);
    expect([await locks.owner(names.waited), await locks.owner(names.forced)]).toEqual(['bob', 'bob']);
  });

  it('G20: settles commits in doubt, the committed ones and those that never ran', async () => {
    expect((await txn().resolve(committed.outcome))[0]).toBe('committed');
    expect(await txn().resolve('never-ran')).toEqual(['aborted']);
    expect(await txn().bench.client.get('never-ran')).toBe('aborted');
  });

  it('G14, G27: refuses prepare, decide and transaction-open before any write', async () => {
    const keys = [refused.record, refused.operations[0]!.key, 'record-2', 'entry-2', 'list'];
    const before = await txn().snapshot(...keys);
    const fresh: Share = { txn: 'fresh', record: 'record-2', operations: [{ key: 'entry-2', kind: 'put' }] };
    await expect(intents().prepare(fresh)).rejects.toThrow(OOM);
    await expect(intents().decide(refused)).rejects.toThrow(OOM);
    await expect(bench().bench.run('transaction-open', ['list'], ['fresh', LONG_MS])).rejects.toThrow(OOM);
    expect(await txn().snapshot(...keys)).toEqual(before);
  });

  it('G27: settles what is decided, gives up what is overdue, and tells what is', async () => {
    await intents().settle(taken, 'aborted', { rememberMs: LONG_MS });
    await intents().settle(given, 'committed', { rememberMs: LONG_MS });
    expect(await intents().entry(taken.operations[0]!.key)).toEqual({});
    expect(await intents().entry(given.operations[0]!.key)).toMatchObject({ v: 'new' });
    expect([await txn().bench.client.get(taken.record), await txn().bench.client.get(given.record)]).toEqual([
      'aborted',
      'committed',
    ]);
    expect(await intents().ask(asked)).toEqual(['aborted']);
    expect(await txn().bench.client.get(asked.record)).toBe('aborted');
    expect(await bench().bench.run('transaction-overdue', ['list'], [10])).toEqual([]);
  });
});
