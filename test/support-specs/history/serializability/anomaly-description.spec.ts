import { describe, expect, it } from '@jest/globals';

import { describeAnomaly } from '../../../support/history/serializability/anomaly.js';
import { checkHistory, type CheckOptions } from '../../../support/history/serializability/check-history.js';
import { planted } from './planted-history.js';

const STRICT: CheckOptions = { realTime: true };

describe('the description of an anomaly', () => {
  const told = (...lines: readonly string[]): string[] => checkHistory(planted(...lines), STRICT).map(describeAnomaly);

  it('leads through a cycle, step by step', () => {
    expect(told('T1 0-1 x+1', 'T2 2-3 y+2', 'R 2-3 y=2 x=', 'S 4-5 x=1')).toEqual([
      [
        'real-time: each of these 2 transactions comes before the next',
        '    T1 -rt-> R: T1 had completed before R was invoked',
        '    R -rw-> T1: R read x without 1, which T1 appended',
      ].join('\n'),
    ]);
    expect(told('T1 x+1 y=2', 'T2 x+2 y+2', 'R x=1,2', 'S x=2,1 y=2').join()).toContain('part after 0 elements');
  });

  it('names keys and elements of all kinds of edges, also past those that nobody read', () => {
    const [{ cycle } = {}] = checkHistory(planted('T1 x= y+1', 'T2 x+2 x+3 y='), STRICT);
    expect(cycle).toEqual([
      { from: 'T1', to: 'T2', edge: 'rw', key: 'x', element: '2' },
      { from: 'T2', to: 'T1', edge: 'rw', key: 'y', element: '1' },
    ]);
    const [wrote] = checkHistory(planted('T1 x+1 y+1', 'T2 x+2 y=1 y+2', 'R x=2,1'), STRICT);
    expect(wrote?.cycle).toEqual([
      { from: 'T1', to: 'T2', edge: 'ww', key: 'y', element: '2' },
      { from: 'T2', to: 'T1', edge: 'ww', key: 'x', element: '1' },
    ]);
  });

  it('counts the readers, and shows the end of a long list', () => {
    expect(told('T1 x+1', 'R x=1,2,3,4,5,6,7,x', 'S x=1,2,3,4,5,6,7,x')[0]).toBe(
      'garbage-read: R read x as [… 2 more, 3, 4, 5, 6, 7, x] (and so did 1 more reads): nobody appended 2',
    );
  });
});
