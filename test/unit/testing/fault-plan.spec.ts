import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { Fault } from '../../../src/testing/faults/fault.js';
import {
  FaultInjectingStore,
  type FaultInjectingStoreOptions,
} from '../../../src/testing/faults/fault-injecting-store.js';
import type { FaultRates, RandomFaultOptions } from '../../../src/testing/faults/fault-plan.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

const clock = new ManualClock();
let store: FaultInjectingStore;

beforeEach(async () => {
  store = await started({ clock });
});

async function started(options: FaultInjectingStoreOptions): Promise<FaultInjectingStore> {
  const made = new FaultInjectingStore(memoryStore(), options);
  await made.start({ namespace: 'unit', processLabel: 'unit', report: silentSink, warn: () => undefined });
  return made;
}

/** Reads `times` times; what became of each. */
async function reads(times: number, of = store): Promise<string[]> {
  const ends: string[] = [];
  for (let i = 0; i < times; i += 1) {
    const reading = of.readEntries(['a']).then(
      () => 'answered',
      (error: unknown) => (error as { code: string }).code,
    );
    await clock.advanceAsync(100);
    ends.push(await reading);
  }
  return ends;
}

describe('faults that a test asks for', () => {
  it('are none at first', async () => {
    expect(await reads(3)).toEqual(['answered', 'answered', 'answered']);
  });

  it('meet the next calls in order, once each or as many times as they say', async () => {
    store.next('readEntries', 'refuse', { kind: 'drop-after', times: 2 });
    store.next('readEntries', 'refuse');
    const expected = ['STORE_UNAVAILABLE', 'STORE_TIMEOUT', 'STORE_TIMEOUT', 'STORE_UNAVAILABLE', 'answered'];
    expect(await reads(5)).toEqual(expected);
  });

  it('meet their operation only, or any operation', async () => {
    store.next('commit', 'refuse');
    expect(await reads(1)).toEqual(['answered']);
    store.next('*', 'refuse');
    expect(await reads(2)).toEqual(['STORE_UNAVAILABLE', 'answered']);
  });

  it('stand until they are taken away, beneath those for the next call', async () => {
    store.always('*', 'refuse');
    store.next('readEntries', 'drop-before');
    expect(await reads(3)).toEqual(['STORE_TIMEOUT', 'STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    store.always('readEntries', 'drop-after');
    expect(await reads(1)).toEqual(['STORE_TIMEOUT']);
    store.always('readEntries', undefined);
    expect(await reads(1)).toEqual(['STORE_UNAVAILABLE']);
    store.always('*', undefined);
    expect(await reads(1)).toEqual(['answered']);
  });

  it('all go at once', async () => {
    store.always('*', 'refuse');
    store.next('readEntries', 'refuse');
    store.randomly({ refuse: 1 });
    store.clear();
    expect(await reads(2)).toEqual(['answered', 'answered']);
  });

  it.each<[Fault, RegExp]>([
    ['explode' as 'refuse', /fault.kind: "explode" must be one of refuse/],
    [{ kind: 'delay-before', delay: -1 }, /fault.delay: -1 ms is outside/],
    [{ kind: 'late', afterOperations: 0 }, /fault.afterOperations: 0 must be a whole number of at least 1/],
    [{ kind: 'duplicate', afterOperations: 0.5 }, /fault.afterOperations: 0.5/],
    [{ kind: 'refuse', times: 0 }, /fault.times: 0 must be a whole number from 1 to 10000/],
  ])('that cannot work are refused: %j', (fault, message) => {
    expect(() => store.next('commit', fault)).toThrow(message);
    expect(() => store.always('commit', fault)).toThrow(message);
  });
});

describe('faults of an operation that does not exist', () => {
  it('are refused', () => {
    const misspelt = 'comit' as 'commit';
    expect(() => store.next(misspelt, 'refuse')).toThrow(/comit is no operation of a store: start, acquireLocks/);
    expect(() => store.always(misspelt, 'refuse')).toThrow(/comit is no operation/);
  });
});

describe('random faults', () => {
  const rates: FaultRates = { refuse: 0.2, 'drop-before': 0.1, 'drop-after': 0.1, duplicate: 0.1, late: 0.1 };

  it('are the same for the same seed and the same calls, and others for another', async () => {
    const journals = [];
    for (const seed of [7, 7, 8]) {
      const made = await started({ clock, seed });
      made.randomly(rates);
      await reads(60, made);
      journals.push(made.journal.map(({ fault, ran }) => [fault, ran]));
    }
    expect(journals[1]).toEqual(journals[0]);
    expect(journals[2]).not.toEqual(journals[0]);
  });

  it('come about as often as their rates say, each kind of them', async () => {
    const made = await started({ clock, seed: 42 });
    made.randomly({ refuse: 0.5, 'drop-after': 0.25 });
    const ends = await reads(400, made);
    const share = (end: string): number => ends.filter((each) => each === end).length / ends.length;
    expect(share('STORE_UNAVAILABLE')).toBeCloseTo(0.5, 1);
    expect(share('STORE_TIMEOUT')).toBeCloseTo(0.25, 1);
  });

  it('meet only the operations they are for, and never the start unless it is named', async () => {
    store.randomly({ refuse: 1 }, { operations: ['commit'] });
    expect(await reads(2)).toEqual(['answered', 'answered']);
    const context = { namespace: 'unit', processLabel: 'unit', report: silentSink, warn: () => undefined };
    const boot = new FaultInjectingStore(memoryStore());
    boot.randomly({ refuse: 1 });
    await boot.start(context);
    await boot.stop();
    boot.randomly({ refuse: 1 }, { operations: ['start'] });
    await expect(boot.start(context)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('stay within the longest delay', async () => {
    const own = new ManualClock();
    const made = await started({ clock: own, seed: 3 });
    made.randomly({ 'delay-before': 1 }, { maxDelay: '40ms' });
    const startMs = own.now();
    let slowestMs = 0;
    for (let i = 0; i < 50; i += 1) {
      const beganMs = own.now();
      const reading = made.readEntries(['a']).then(() => (slowestMs = Math.max(slowestMs, own.now() - beganMs)));
      await own.advanceAsync(40);
      await reading;
    }
    expect(own.now() - startMs).toBe(2_000);
    expect(slowestMs).toBeGreaterThan(20);
  });

  it('let no more operations overtake than they may', async () => {
    const made = await started({ clock, seed: 5 });
    made.randomly({ late: 1 }, { maxAfterOperations: 2, operations: ['readEntries'] });
    const overtaken: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      await made.readEntries(['a']).catch(() => undefined);
      let passed = 0;
      for (; made.underway > 0; passed += 1) await made.inspectLock('x');
      overtaken.push(passed);
    }
    expect([...new Set(overtaken)].sort()).toEqual([1, 2]);
  });

  it.each<[FaultRates, RandomFaultOptions]>([
    [{ refuse: -0.1 }, {}],
    [{ refuse: 0.6, late: 0.6 }, {}],
    [{ refuse: Number.NaN }, {}],
    [{}, { maxAfterOperations: 0 }],
    [{}, { maxDelay: -5 }],
  ])('that cannot work are refused: %j %j', (wrong, options) => {
    expect(() => store.randomly(wrong, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('have a seed of their own, shown, when none is given', () => {
    const seeds = Array.from({ length: 5 }, () => new FaultInjectingStore(memoryStore()).seed);
    expect(new Set(seeds).size).toBeGreaterThan(1);
    expect(new FaultInjectingStore(memoryStore(), { seed: 4_294_967_295 }).seed).toBe(4_294_967_295);
  });

  it.each([-1, 0.5, Number.NaN, 4_294_967_296])('refuse the seed %p', (seed) => {
    expect(() => new FaultInjectingStore(memoryStore(), { seed })).toThrow(/seed/);
  });
});

describe('the journal', () => {
  it('has every call in order, what it met and what became of it', async () => {
    store.next('readEntries', 'refuse', 'duplicate');
    await reads(3);
    expect(store.journal).toMatchObject([
      { number: 1, operation: 'start', fault: undefined, ran: 1, end: 'answered' },
      { number: 2, operation: 'readEntries', request: ['a'], fault: 'refuse', ran: 0, end: 'failed' },
      { number: 3, operation: 'readEntries', request: ['a'], fault: 'duplicate', ran: 2, end: 'answered' },
      { number: 4, operation: 'readEntries', request: ['a'], fault: undefined, ran: 1, end: 'answered' },
    ]);
    store.forget();
    expect(store.journal).toEqual([]);
  });

  it('G42: prints seed, faults and keys, and no value and no token', async () => {
    const made = await started({ seed: 9 });
    expect(String(made)).toBe('faults with seed 9:\nnone');
    made.next('commit', 'drop-after');
    made.next('acquireLocks', 'drop-before');
    made.next('readEntries', 'duplicate');
    const put = { kind: 'put', key: 'seat:1', value: '"secret"', ttlMs: 0, strategy: 'timestamp' } as const;
    const request = { txnId: 't', operations: [put], guards: [{ name: 'n', token: 'secret' }], outcomeTtlMs: 1_000 };
    await made.commit(request).catch(() => undefined);
    const wish = { names: ['door'], token: 'secret', leaseMs: 1_000, claimMs: 1_000, queueMs: 0, maxWaiters: 1 };
    await made.acquireLocks(wish).catch(() => undefined);
    await made.readEntries(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(String(made).split('\n')).toEqual([
      'faults with seed 9:',
      '2 commit seat:1: drop-after, ran once, failed',
      '3 acquireLocks door: drop-before, ran never, failed',
      '4 readEntries a, b, c, d and 2 more: duplicate, ran 2 times, answered',
    ]);
  });
});
