import { describe, expect, it } from '@jest/globals';

import { LONG_MS, PAST_MS, useIntentBench } from './intent-bench.js';

const NEVER_MS = Number.MAX_SAFE_INTEGER;

describe('decision-ask', () => {
  const bench = useIntentBench();

  it('pending: tells the time of the server that keeps the deadline, and writes nothing', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const before = await txn.snapshot(share.record, share.operations[0]!.key);
    const fromMs = await txn.bench.timeMs();
    const [kind, nowMs] = await txn.ask(share);
    expect(kind).toBe('pending');
    expect(Number(nowMs)).toBeGreaterThanOrEqual(fromMs);
    expect(Number(nowMs)).toBeLessThanOrEqual(await txn.bench.timeMs());
    expect(await txn.snapshot(share.record, share.operations[0]!.key)).toEqual(before);
  });

  it('G27: aborted: past the deadline of the intent kept here, whatever deadline was met, for the time given', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const { key } = share.operations[0]!;
    await txn.overrun(key);
    const before = await txn.snapshot(key);
    expect(await txn.ask(share, NEVER_MS)).toEqual(['aborted']);
    expect(await txn.bench.client.get(share.record)).toBe('aborted');
    expect(Math.ceil((await txn.bench.client.pttl(share.record)) / LONG_MS)).toBe(1);
    const after = await txn.snapshot(share.record);
    expect(await txn.ask(share, NEVER_MS, 9 * LONG_MS)).toEqual(['aborted']);
    expect(await txn.snapshot(share.record)).toEqual(after);
    expect(await txn.snapshot(key)).toEqual(before);
    expect(await txn.decide(share)).toEqual(['aborted']);
  });

  it.each(['an absent key', 'a key with the intent of somebody else'])(
    'G27: the deadline that was met counts at %s',
    async (at) => {
      const txn = bench();
      const share = txn.share([{ key: txn.key(), kind: 'put' }]);
      if (at !== 'an absent key') await txn.prepared(txn.share(share.operations));
      expect((await txn.ask(share, NEVER_MS))[0]).toBe('pending');
      expect(await txn.bench.client.exists(share.record)).toBe(0);
      expect(await txn.ask(share, PAST_MS)).toEqual(['aborted']);
    },
  );

  it('G20: committed: what is decided stays decided, also without a version in it, and nothing is written', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    await txn.decide(share);
    const settled = txn.share(share.operations);
    await txn.settle(settled, 'committed', { rememberMs: LONG_MS });
    for (const each of [share, settled]) {
      const before = await txn.snapshot(each.record);
      for (let call = 0; call < 2; call += 1) expect(await txn.ask(each)).toEqual(['committed']);
      expect(await txn.snapshot(each.record)).toEqual(before);
    }
  });

  it('G27: overdue: where another decides nothing is presumed, and nothing is written', async () => {
    const txn = bench();
    const share = txn.share([{ key: txn.key(), kind: 'put' }]);
    await txn.prepared(share);
    const { key } = share.operations[0]!;
    expect((await txn.ask(share, PAST_MS, 0))[0]).toBe('pending');
    await txn.overrun(key);
    const before = await txn.snapshot(share.record, key);
    for (let call = 0; call < 2; call += 1) expect(await txn.ask(share, NEVER_MS, 0)).toEqual(['overdue']);
    expect(await txn.snapshot(share.record, key)).toEqual(before);
    const gone = txn.share([{ key: txn.key(), kind: 'put' }]);
    expect((await txn.ask(gone, NEVER_MS, 0))[0]).toBe('pending');
    expect(await txn.ask(gone, PAST_MS, 0)).toEqual(['overdue']);
    expect(await txn.bench.client.exists(gone.record)).toBe(0);
  });

  it('G27: aborted or committed: where another decides, once the slot has settled it', async () => {
    const txn = bench();
    for (const [verdict, outcome] of [
      ['void', 'aborted'],
      ['aborted', 'aborted'],
      ['published', 'committed'],
    ] as const) {
      const share = txn.share([{ key: txn.key(), kind: 'put' }]);
      await txn.settle(share, verdict, { rememberMs: LONG_MS });
      expect(await txn.ask(share, NEVER_MS, 0)).toEqual([outcome]);
    }
  });

  it.each(['record', 'entry'] as const)(
    'G41: a key of another type as the %s is an error, and no key is written',
    async (place) => {
      const txn = bench();
      const share = txn.share([{ key: txn.key(), kind: 'put' }]);
      const keys = { record: share.record, entry: share.operations[0]!.key };
      await txn.bench.client.rpush(keys[place], 'foreign');
      const before = await txn.snapshot(keys.record, keys.entry);
      await expect(txn.ask(share)).rejects.toThrow(/^WRONGTYPE/);
      expect(await txn.snapshot(keys.record, keys.entry)).toEqual(before);
    },
  );
});
