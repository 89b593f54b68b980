import { describe, expect, it } from '@jest/globals';
import { report } from '../../../src/cli/in-doubt-list.command.js';

describe('the report of in-doubt list', () => {
  it('says so when there is nothing', () => {
    expect(report([])).toEqual(['No transaction over several slots is on its way.']);
  });

  it('shows each transaction on one line, how late it is, and what to do about those that are', () => {
    const lines = report([
      { id: 'first', keys: ['{a}:1', '{b}:2'], overdueMs: 12_345, decision: 'pending' },
      { id: '2', keys: ['c'], overdueMs: -700, decision: 'committed' },
    ]);
    expect(lines).toEqual([
      'id     overdue      decision   keys',
      'first  12.3 s late  pending    "{a}:1" "{b}:2"',
      '2      0.7 s left   committed  "c"',
      '2 on their way, 1 of them overdue.',
      expect.stringContaining('in-doubt resolve <id>'),
    ]);
  });

  it('says nothing of settling by hand while nothing is overdue', () => {
    expect(report([{ id: 'a', keys: ['k'], overdueMs: -1, decision: 'pending' }])).toHaveLength(3);
  });

  it('S06: lets no key write to another line, or to the terminal', () => {
    const keys = ['\u001b[2J', 'a\nb', '\u009b1m', '\u202egnp'];
    const [, line] = report([{ id: '\u001b]0;x\u0007', keys, overdueMs: 0, decision: 'aborted' }]);
    expect(line).toMatch(/^[ -~]*$/);
    expect(line).toContain(String.raw`"\u001b[2J" "a\nb" "\u009b1m" "\u202egnp"`);
  });
});
