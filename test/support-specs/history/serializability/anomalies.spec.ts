import { describe, expect, it } from '@jest/globals';

import { checkHistory, type CheckOptions } from '../../../support/history/serializability/check-history.js';
import { planted } from './planted-history.js';

const UNTIMED: CheckOptions = { realTime: false };
const STRICT: CheckOptions = { realTime: true };
const READ_COMMITTED: CheckOptions = { realTime: false, isolation: 'read-committed' };

/** Each anomaly as its kind and those who show it, in the order of their names. */
function found(lines: readonly string[], options: CheckOptions): string[] {
  return checkHistory(planted(...lines), options)
    .map(({ kind, transactions }) => [kind, ...[...transactions].sort()].join(' '))
    .sort();
}

interface Case {
  readonly title: string;
  readonly lines: readonly string[];
  readonly untimed?: readonly string[];
  readonly strict?: readonly string[];
  readonly readCommitted?: readonly string[];
}

const none: readonly string[] = [];
const everywhere = (...anomalies: readonly string[]): Omit<Case, 'title' | 'lines'> => ({
  untimed: anomalies,
  strict: anomalies,
  readCommitted: anomalies,
});
const serializableOnly = (...anomalies: readonly string[]): Omit<Case, 'title' | 'lines'> => ({
  untimed: anomalies,
  strict: anomalies,
});
const strictOnly = (...anomalies: readonly string[]): Omit<Case, 'title' | 'lines'> => ({ strict: anomalies });

const cases: readonly Case[] = [
  {
    title: 'G0: two wrote through each other on two keys',
    lines: ['T1 x+1 y+1', 'T2 x+2 y+2', 'R x=1,2 y=2,1'],
    ...everywhere('G0 T1 T2'),
  },
  {
    title: 'G0: one wrote between two appends of another',
    lines: ['T1 x+1 x+3', 'T2 x+2', 'R x=1,2,3'],
    ...everywhere('G0 T1 T2'),
  },
  {
    title: 'G0: an append that nobody read comes after those that were read',
    lines: ['T1 x+1 y+1', 'T2 x+2 y+2', 'R x=1,2', 'S y=2'],
    // S did not see T1, before which, by the other key, was T2.
    untimed: ['G-single S T1 T2', 'G0 T1 T2'],
    strict: ['G-single S T1 T2', 'G0 T1 T2'],
    readCommitted: ['G0 T1 T2'],
  },
  { title: 'no G0: both keys have the same order', lines: ['T1 x+1 y+1', 'T2 x+2 y+2', 'R x=1,2 y=1,2'] },
  {
    title: 'G1a: an element of a failed transaction is read',
    lines: ['T1 failed x+1', 'R x=1', 'S x=1'],
    ...everywhere('G1a R T1'),
  },
  {
    title: 'no G1a: a failed transaction reads its own element, and anything else',
    lines: ['T1 failed x+1 x=1', 'T2 failed x=7', 'R x='],
  },
  {
    title: 'G1b: a list ends in the middle of what another appended',
    lines: ['T1 x+1 x+2', 'R x=1'],
    untimed: ['G-single R T1', 'G1b R T1'],
    strict: ['G-single R T1', 'G1b R T1'],
    readCommitted: ['G1b R T1'],
  },
  { title: 'no G1b: a transaction reads between its own appends', lines: ['T1 x+1 x=1 x+2 x=1,2', 'R x=1,2'] },
  {
    title: 'G1c: two saw each other',
    lines: ['T1 x+1 y=2', 'T2 y+2 x=1'],
    ...everywhere('G1c T1 T2'),
  },
  {
    title: 'G1c: one saw another that appended after it',
    lines: ['T1 x+1 y=2', 'T2 x+2 y+2', 'R x=1,2'],
    ...everywhere('G1c T1 T2'),
  },
  { title: 'no G1c: one saw the other', lines: ['T1 x+1 y=', 'T2 y+2 x=1'] },
  {
    title: 'G-single: a torn view of two keys',
    lines: ['T1 x+1 y+1', 'R x=1 y='],
    ...serializableOnly('G-single R T1'),
  },
  {
    title: 'G-single: a lost update',
    lines: ['T1 x= x+1', 'T2 x= x+2', 'R x=1,2'],
    ...serializableOnly('G-single T1 T2'),
  },
  {
    title: 'G-single: a torn view shows that one in doubt took effect',
    lines: ['T1 unknown x+1 y+1', 'R x=1 y='],
    ...serializableOnly('G-single R T1'),
  },
  {
    title: 'G-single: what one in doubt read counts when it took effect',
    lines: ['U unknown x=1 y= z+3', 'T1 x+1 y+1', 'R z=3'],
    ...serializableOnly('G-single T1 U'),
  },
  { title: 'no G-single: the same, and nobody saw it', lines: ['U unknown x=1 y= z+3', 'T1 x+1 y+1', 'R z='] },
  { title: 'no G-single: all or nothing was seen', lines: ['T1 x+1 y+1', 'R x=1 y=1', 'S x= y='] },
  {
    title: 'G2-item: write skew, which read-committed allows',
    lines: ['T1 x= y+1', 'T2 y= x+2', 'R x=2 y=1'],
    ...serializableOnly('G2-item T1 T2'),
  },
  {
    title: 'G2-item: write skew that nobody read',
    lines: ['T1 x= y+1', 'T2 y= x+2'],
    ...serializableOnly('G2-item T1 T2'),
  },
  {
    title: 'G2-item: two lost updates that nobody read',
    lines: ['T1 x= x+1', 'T2 x= x+2'],
    ...serializableOnly('G2-item T1 T2'),
  },
  {
    title: 'G2-item: write skew beside a torn view, in one tangle',
    lines: ['T1 x= y+1 z+1', 'T2 y= x+2', 'R z=1 y='],
    ...serializableOnly('G-single R T1', 'G2-item T1 T2'),
  },
  {
    title: 'G2-item: three who each missed the next',
    lines: ['T1 x= y+1', 'T2 y= z+2', 'T3 z= x+3'],
    ...serializableOnly('G2-item T1 T2 T3'),
  },
  {
    title: 'G2-item: two observers saw two writers in different orders',
    lines: ['T1 x+1', 'T2 y+2', 'R x=1 y=', 'S x= y=2'],
    ...serializableOnly('G2-item R S T1 T2'),
  },
  { title: 'no G2-item: one of two saw the other', lines: ['T1 x= y+1', 'T2 y=1 x+2', 'R x=2 y=1'] },
  { title: 'no G2-item: one that failed is no part of a skew', lines: ['T1 x= y+1', 'T2 failed y= x+2'] },
  { title: 'no G2-item: one in doubt that nobody saw is no part of a skew', lines: ['T1 x= y+1', 'T2 unknown y= x+2'] },
  {
    title: 'real-time: a stale read',
    lines: ['T1 0-1 x+1', 'R 2-3 x=', 'S 4-5 x=1'],
    ...strictOnly('real-time R T1'),
  },
  {
    title: 'real-time: a reader went back behind another that had completed',
    lines: ['T1 x+1', 'R 1-2 x=1', 'S 3-4 x='],
    ...strictOnly('real-time R S T1'),
  },
  {
    title: 'real-time: one in doubt took effect before it was invoked',
    lines: ['R 0-1 x=1', 'T1 unknown 2-3 x+1'],
    ...strictOnly('real-time R T1'),
  },
  {
    title: 'real-time: two who wrote in the wrong order',
    lines: ['T1 0-1 x+1', 'T2 2-3 x+2', 'R 4-5 x=2,1'],
    ...strictOnly('real-time T1 T2'),
  },
  { title: 'no real-time: they overlap', lines: ['T1 0-3 x+1', 'R 2-4 x=', 'S 4-5 x=1'] },
  { title: 'no real-time: equal times order nobody', lines: ['T1 0-2 x+1', 'R 2-3 x=', 'S 4-5 x=1'] },
  {
    title: 'no real-time: one in doubt took effect long after its caller had given up',
    lines: ['T1 unknown 0-1 x+1', 'R 2-3 x=', 'S 4-5 x=1'],
  },
  { title: 'no real-time: one in doubt never took effect', lines: ['T1 unknown 0-1 x+1', 'R 2-3 x='] },
  { title: 'no real-time: a failed one reads what is old', lines: ['T1 0-1 x+1', 'T2 failed 2-3 x=', 'R 4-5 x=1'] },
  {
    title: 'incompatible-order: neither of two reads is a prefix of the other',
    lines: ['T1 x+1', 'T2 x+2', 'R x=1', 'S x=2', 'Q x=2'],
    ...everywhere('incompatible-order R S'),
  },
  {
    title: 'incompatible-order: two forks from one list',
    lines: ['T1 x+1', 'T2 x+2', 'T3 x+3', 'Q x=1,2,3', 'R x=2', 'S x=1,3'],
    ...everywhere('incompatible-order Q R', 'incompatible-order Q S'),
  },
  { title: 'no incompatible-order: one is a prefix of the other', lines: ['T1 x+1', 'T2 x+2', 'R x=1', 'S x=1,2'] },
  {
    title: 'incompatible-order: two appends of one transaction stand in the wrong order',
    lines: ['T1 x+1 x+2', 'T2 x+3', 'R x=2,1,3'],
    ...everywhere('incompatible-order R T1'),
  },
  {
    title: 'no incompatible-order: what one appended itself is not yet in its place',
    lines: ['T1 x+1 x=1', 'T2 x+2', 'R x=2,1'],
    // It came before T2 according to what it read, and after it according to the list.
    untimed: ['G-single T1 T2'],
    strict: ['G-single T1 T2'],
  },
  {
    title: 'duplicate-element: an element stands in a list twice',
    lines: ['T1 x+1', 'R x=1,1'],
    ...everywhere('duplicate-element R'),
  },
  {
    title: 'duplicate-element: an own element stands in a list twice',
    lines: ['T1 x+1 x=1,1'],
    ...everywhere('duplicate-element T1'),
  },
  { title: 'no duplicate-element: two keys may have the same element', lines: ['T1 x+1 y+1', 'R x=1 y=1'] },
  {
    title: 'internal: two reads do not agree',
    lines: ['T1 x+1', 'R x=1 x='],
    ...serializableOnly('G-single R T1', 'internal R'),
  },
  { title: 'internal: an own append is missing', lines: ['T1 x+1 x='], ...serializableOnly('internal T1') },
  {
    title: 'internal: an own append is missing after a read',
    lines: ['T1 x= x+1 x='],
    ...serializableOnly('internal T1'),
  },
  {
    title: 'internal: own appends stand in another order',
    lines: ['T1 x+1 x+2 x=2,1'],
    untimed: ['incompatible-order T1', 'internal T1'],
    strict: ['incompatible-order T1', 'internal T1'],
    readCommitted: ['incompatible-order T1'],
  },
  { title: 'internal: an append is read before it is made', lines: ['T1 x=1 x+1'], ...serializableOnly('internal T1') },
  { title: 'no internal: own appends stand at the end', lines: ['T1 x+1', 'T2 x=1 x+2 x=1,2 x+3 x=1,2,3 y+4 y=4'] },
  {
    title: 'lost-append: read after it was acknowledged, and never seen',
    lines: ['T1 0-1 x+1', 'T2 2-3 x+2', 'R 4-5 x=2'],
    ...strictOnly('lost-append R T1'),
  },
  { title: 'no lost-append: nobody looked afterwards', lines: ['T1 2-4 x+1', 'R 3-5 x='] },
  { title: 'no lost-append: it was seen in the end', lines: ['T1 0-3 x+1', 'R 2-4 x=', 'S 5-6 x=1'] },
  { title: 'no lost-append: it is in doubt', lines: ['T1 unknown 0-1 x+1', 'R 2-3 x='] },
  {
    title: 'no lost-append: it took effect, in doubt, and came after the read',
    lines: ['T1 unknown 0-1 x+1 y+1', 'R 2-3 x=', 'S 4-5 y=1'],
  },
  {
    title: 'garbage-read: nobody appended it',
    lines: ['T1 x+1', 'R x=1,7', 'S x=1,7'],
    ...everywhere('garbage-read R'),
  },
  { title: 'garbage-read: of a key that nobody wrote', lines: ['R z=7'], ...everywhere('garbage-read R') },
  { title: 'garbage-read: an element of another key', lines: ['T1 x+1', 'R y=1'], ...everywhere('garbage-read R') },
  { title: 'nothing: an answer that is not known proves nothing', lines: ['T1 0-1 x+1', 'R 2-3 x=? y=?'] },
  { title: 'nothing: an empty history', lines: [] },
];

describe('the checker of serializability', () => {
  it.each(cases)('tells $title', ({ lines, untimed = none, strict = none, readCommitted = none }) => {
    expect({
      untimed: found(lines, UNTIMED),
      strict: found(lines, STRICT),
      readCommitted: found(lines, READ_COMMITTED),
    }).toEqual({ untimed, strict, readCommitted });
  });

  it('finds the shortest cycle of a tangle', () => {
    const chain = Array.from({ length: 40 }, (_, i) => `C${i} ${2 * i}-${2 * i + 1} c${i}+1 c${i + 1}=1`);
    const anomalies = checkHistory(planted('T1 0-1 x+1', ...chain.reverse(), 'R 200-201 x=', 'S 300-301 x=1'), STRICT);
    expect(anomalies.map(({ kind, transactions }) => [kind, ...transactions])).toContainEqual(['real-time', 'T1', 'R']);
  });

  it('follows a long chain of transactions without a deep stack', () => {
    const length = 5_000;
    const ring = Array.from({ length }, (_, i) => `T${i} k${i}+1 k${(i + 1) % length}=1`);
    expect(found(ring, UNTIMED)).toEqual([expect.stringMatching(/^G1c T0 T1 /)]);
  });

  it('tells one cycle for each tangle', () => {
    const skew = (n: number): string[] => [`A${n} x${n}= y${n}+1`, `B${n} y${n}= x${n}+1`];
    expect(found([...skew(1), ...skew(2)], UNTIMED)).toEqual(['G2-item A1 B1', 'G2-item A2 B2']);
  });

  it('refuses a history in which two appended the same, or have the same id', () => {
    expect(() => checkHistory(planted('T1 x+1', 'T2 x+1'), STRICT)).toThrow('1 was appended to x twice, by T1 and T2');
    expect(() => checkHistory(planted('T1 x+1', 'T1 x+2'), STRICT)).toThrow(
      'two transactions of the history are called T1',
    );
  });
});
