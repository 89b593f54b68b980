import { describe, expect, it } from '@jest/globals';
import { MemorySpace } from '../../../src/memory/memory-space.js';

const at = (ms: number) => ({ ms, us: ms * 1_000 });
const transaction = (txnId: string) => ({ txnId, keys: [`of ${txnId}`] });

describe('the open transactions of a memory store', () => {
  it('G27: are told from the very millisecond they are overdue, the oldest first, at most as many as asked for', () => {
    const space = new MemorySpace([]);
    space.openTransaction(transaction('second'), 20, at(1_000));
    space.openTransaction(transaction('first'), 10, at(1_000));
    space.openTransaction(transaction('third'), 10, at(1_011));
    const overdue = (limit: number, ms: number) => space.overdue(limit, at(ms)).map(({ txnId }) => txnId);
    expect(overdue(10, 1_009)).toEqual([]);
    expect(overdue(10, 1_010)).toEqual(['first']);
    expect(overdue(10, 1_021)).toEqual(['first', 'second', 'third']);
    expect(overdue(2, 1_021)).toEqual(['first', 'second']);
    space.closeTransaction(transaction('first'));
    expect(overdue(10, 1_021)).toEqual(['second', 'third']);
  });
});
