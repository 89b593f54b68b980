import { describe, expect, it } from '@jest/globals';

import { seededRandom } from '../../../../src/testing/seeded-random.js';
import { describeAnomaly } from '../../../support/history/serializability/anomaly.js';
import { checkHistory } from '../../../support/history/serializability/check-history.js';
import type { History, Operation, Read } from '../../../support/history/serializability/history.js';
import { executeSerially } from './serial-executor.js';
import { hasSerialOrder } from './serial-order.js';

const pick = <T>(random: () => number, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;

/** The history with one of its operations replaced. */
function replaced(history: History, transaction: number, at: number, operation: Operation): History {
  return history.map((one, place) =>
    place === transaction ? { ...one, operations: one.operations.with(at, operation) } : one,
  );
}

/** The reads of the acknowledged transactions that show something, by their places. */
function readsOf(history: History): { transaction: number; at: number; read: Read; list: readonly string[] }[] {
  return history.flatMap(({ operations, status }, transaction) =>
    operations.flatMap((read, at) => {
      if (status !== 'ok' || read.kind !== 'read' || !read.list?.length) return [];
      return { transaction, at, read, list: read.list };
    }),
  );
}

describe('the checker of serializability, over random histories', () => {
  it.each([1, 2, 3])('finds nothing in 5,000 transactions that were executed one after the other (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const history = executeSerially({ random, transactions: 5_000, processes: 12, keys: 60, operations: 4 });
    for (const options of [
      { realTime: true },
      { realTime: false },
      { realTime: false, isolation: 'read-committed' },
    ] as const)
      expect(checkHistory(history, options).map(describeAnomaly)).toEqual([]);
  });

  it('finds a stale read, wherever the order in time proves that it is one', () => {
    const missed: number[] = [];
    let proven = 0;
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = seededRandom(seed);
      const good = executeSerially({ random, transactions: 150, processes: 6, keys: 8, operations: 4 });
      const { transaction, at, read, list } = pick(random, readsOf(good));
      const length = Math.floor(random() * list.length);
      const reader = good[transaction]!;
      const missing = new Set(list.slice(length));
      const isProven = good.some(
        ({ status, completedAtMs = Infinity, operations }) =>
          status === 'ok' &&
          completedAtMs < reader.invokedAtMs &&
          operations.some((one) => one.kind === 'append' && one.key === read.key && missing.has(one.element)),
      );
      if (!isProven) continue;
      proven += 1;
      const spoilt = replaced(good, transaction, at, { ...read, list: list.slice(0, length) });
      const names = checkHistory(spoilt, { realTime: true }).flatMap(({ transactions }) => transactions);
      if (!names.includes(reader.id)) missed.push(seed);
    }
    expect({ missedSeeds: missed }).toEqual({ missedSeeds: [] });
    expect(proven).toBeGreaterThan(100);
  });

  it.each([true, false])(
    'finds something if and only if no order of the transactions explains the reads (real time: %s)',
    (realTime) => {
      const wrong: { seed: number; hasOrder: boolean; anomalies: string[] }[] = [];
      let contradictory = 0;
      const seeds = 3_000;
      for (let seed = 1; seed <= seeds; seed += 1) {
        const history = smallHistory(seed);
        const hasOrder = hasSerialOrder(history, { realTime });
        const anomalies = checkHistory(history, { realTime });
        if (!hasOrder) contradictory += 1;
        if (hasOrder !== (anomalies.length === 0))
          wrong.push({ seed, hasOrder, anomalies: anomalies.map(describeAnomaly) });
      }
      expect(wrong).toEqual([]);
      expect(contradictory).toBeGreaterThan(seeds / 5);
      expect(contradictory).toBeLessThan((seeds * 4) / 5);
    },
  );

  it('comes to an end with 50,000 transactions, in time, good and spoilt', () => {
    const random = seededRandom(7);
    const good = executeSerially({ random, transactions: 50_000, processes: 24, keys: 300, operations: 4 });
    expect(checkHistory(good, { realTime: true })).toEqual([]);
    const { transaction, at, read } = readsOf(good).at(-1)!;
    const spoilt = replaced(good, transaction, at, { ...read, list: [] });
    const names = checkHistory(spoilt, { realTime: true }).flatMap(({ transactions }) => transactions);
    expect(names).toContain(good[transaction]!.id);
  });
});

/** Up to five transactions on two keys, of which up to two reads are spoilt, each in a way that a real fault would. */
function smallHistory(seed: number): History {
  const random = seededRandom(seed);
  const transactions = 3 + Math.floor(3 * random());
  const shares = { failedShare: 0.1, unknownShare: 0.2 };
  let history = executeSerially({ random, transactions, processes: 3, keys: 2, operations: 3, ...shares });
  const spoilt = Math.floor(3 * random());
  for (let i = 0; i < spoilt; i += 1) {
    const reads = readsOf(history);
    if (reads.length === 0) break;
    const { transaction, at, read, list } = pick(random, reads);
    const others = history.flatMap(({ operations }) =>
      operations.flatMap((one) => (one.kind === 'append' && one.key === read.key ? one.element : [])),
    );
    const change = pick<() => readonly string[] | undefined>(random, [
      () => list.slice(0, Math.floor(random() * list.length)),
      () => list.slice(0, Math.floor(random() * list.length)),
      () => list.toReversed(),
      () => [...list, pick(random, others)],
      () => list.toSpliced(Math.floor(random() * list.length), 1),
      () => undefined,
    ]);
    history = replaced(history, transaction, at, { ...read, list: change() });
  }
  return history;
}
