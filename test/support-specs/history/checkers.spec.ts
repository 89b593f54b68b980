import { describe, expect, it } from '@jest/globals';

import { counterProblems } from '../../support/history/counters.js';
import { exclusionProblems, fenceProblems } from '../../support/history/fences.js';
import { guardedWriteProblems, refusedWrites } from '../../support/history/guarded-writes.js';
import { beliefProblems, overlaps } from '../../support/history/holds.js';
import type { Problem } from '../../support/history/problem.js';
import { growthProblems, leftoverProblems } from '../../support/history/remains.js';
import { settlingProblems } from '../../support/history/settling.js';
import { assertSound, problemsOf } from '../../support/history/soundness.js';
import { codesOf, summaryOf } from '../../support/history/summary.js';
import { versionProblems, visibilityProblems } from '../../support/history/visibility.js';
import { Planted } from './planted.js';

const told = (problems: readonly Problem[]): string[] => problems.map(({ invariant, what }) => `${invariant}: ${what}`);

describe('the checker of fences', () => {
  it('accepts holds one after the other', () => {
    const { events } = new Planted().hold('a', 1, 0, 10).hold('b', 2, 11, 20, { askedAtMs: 0 });
    expect([...fenceProblems(events), ...exclusionProblems(events), ...beliefProblems(events)]).toEqual([]);
  });

  it('finds a fence that was given twice', () => {
    const { events } = new Planted().hold('a', 7, 0, 10).hold('b', 7, 11, 20);
    expect(told(fenceProblems(events))).toEqual(['B: fence 7 of seat was given twice']);
  });

  it('finds a fence that went back, when the second was asked for after the first was granted', () => {
    const lost = { answer: 'lost' };
    const { events } = new Planted().hold('a', 7, 0, 10, lost).hold('b', 6, 11, 20, { ...lost, askedAtMs: 1 });
    expect(told(fenceProblems(events))).toEqual(['B: the fence of seat went back']);
  });

  it('finds a fence that went back between two who waited together, and whose locks were there at their release', () => {
    const { events } = new Planted().hold('a', 7, 5, 10, { askedAtMs: 0 }).hold('b', 6, 11, 20, { askedAtMs: 0 });
    expect(told(fenceProblems(events))).toEqual(['B: the fence of seat went back']);
  });

  it('does not order two holders who asked together and lost their locks', () => {
    const lost = { answer: 'lost', askedAtMs: 0 };
    const { events } = new Planted().hold('a', 7, 5, 10, lost).hold('b', 6, 6, 20, lost);
    expect(fenceProblems(events)).toEqual([]);
  });

  it('finds a lock that two held at the server, also when a short hold lies inside a long one', () => {
    const { events } = new Planted().hold('a', 1, 0, 30).hold('b', 2, 5, 8).hold('c', 3, 9, 12);
    expect(told(exclusionProblems(events))).toEqual(
      Array(2).fill('B: seat was held twice, and both releases found their own lock'),
    );
  });
});

describe('the checker of beliefs', () => {
  it('counts two who believe at the same moment, and for how long', () => {
    const { events } = new Planted().hold('a', 1, 0, 10, { answer: 'lost' }).hold('b', 2, 4, 20);
    expect(overlaps(events)).toMatchObject([{ name: 'seat', forMs: 6 }]);
    expect(told(beliefProblems(events))).toEqual(['B: two believed to hold seat for 6.0 ms']);
  });

  it('ends a belief with the signal, and keeps one for ever that neither ends nor is told', () => {
    const granted = { kind: 'granted', hold: 'a', name: 'seat', fence: 1, askedAtMs: 0, atMs: 0 } as const;
    const silent = new Planted().add(granted).hold('b', 2, 50, 60);
    expect(overlaps(silent.events)).toMatchObject([{ forMs: 10 }]);
    const signalled = new Planted().add(granted).add({ kind: 'signalled', hold: 'a', atMs: 49 }).hold('b', 2, 50, 60);
    expect(overlaps(signalled.events)).toEqual([]);
  });
});

describe('the checker of guarded writes', () => {
  it('accepts refused stale writes, and counts them', () => {
    const { events } = new Planted().guarded(0, 5).guarded(1, 4, false).guarded(2, 5).guarded(3, 6);
    expect(guardedWriteProblems(events)).toEqual([]);
    expect(refusedWrites(events)).toBe(1);
  });

  it('finds an accepted write under an older fence, in the order of the resource and not of the clock', () => {
    const { events } = new Planted().guarded(1, 4).guarded(0, 5);
    expect(told(guardedWriteProblems(events))).toEqual(['B: register accepted fence 4 after 5']);
  });

  it('finds a write that was accepted twice', () => {
    const seenTwice = new Planted().guarded(0, 5, true, 'w').guarded(0, 5, true, 'w');
    expect(guardedWriteProblems(seenTwice.events)).toEqual([]);
    const { events } = new Planted().guarded(0, 5, true, 'w').guarded(1, 5, true, 'w');
    expect(told(guardedWriteProblems(events))).toEqual(['B: register accepted w twice']);
  });
});

describe('the checker of counters', () => {
  const counted = (ops: readonly string[], count = ops.length): Planted =>
    new Planted()
      .call('a', 'increment n', 'ok')
      .call('b', 'increment n', 'failed', 'TXN_TIMEOUT')
      .call('c', 'increment n', 'unknown', 'TXN_IN_DOUBT')
      .call('x', 'increment other', 'ok')
      .add({ kind: 'counted', counter: 'n', count, ops });

  it('accepts what was acknowledged, with and without what is unknown', () => {
    expect(counterProblems(counted(['a']).events)).toEqual([]);
    expect(counterProblems(counted(['a', 'c']).events)).toEqual([]);
  });

  it.each([
    ['a lost update', [], 0, ['n: a was acknowledged and is lost', 'n: it says 0, of 1 acknowledged and 1 unknown']],
    ['a visible failure', ['a', 'b'], 2, ['n: b failed and is in it']],
    [
      'an increment that was applied twice',
      ['a', 'c', 'c'],
      3,
      ['n: c is in it 2 times', 'n: it says 3, of 1 acknowledged and 1 unknown'],
    ],
    ['a count that is not its increments', ['a'], 2, ['n: it says 2 and holds 1 increments']],
    ['an increment of another counter', ['a', 'x'], 2, ['n: x is in it and was never begun']],
  ])('finds %s', (_what, ops, count, expected) => {
    expect(told(counterProblems(counted(ops, count).events))).toEqual(expected.map((what) => `C: ${what}`));
  });
});

describe('the checker of visibility', () => {
  it('accepts pairs of one write, and none', () => {
    const { events } = new Planted().call('a', 'pair p', 'ok').pair(null, null).pair('a', 'a');
    expect(visibilityProblems(events)).toEqual([]);
  });

  it('accepts what is unknown or not yet settled', () => {
    const { events } = new Planted().call('a', 'pair p', 'unknown', 'TXN_IN_DOUBT').pair('a', 'a');
    expect(visibilityProblems(events)).toEqual([]);
  });

  it('finds half of a pair', () => {
    const { events } = new Planted().call('a', 'pair p', 'ok').pair('a', null);
    expect(told(visibilityProblems(events))).toEqual(['A: p is torn: a and null']);
  });

  it('finds a visible write that failed, also when it was seen before it failed', () => {
    const { events } = new Planted().pair('a', 'a').call('a', 'pair p', 'failed', 'STORE_UNAVAILABLE');
    expect(told(visibilityProblems(events))).toEqual(['E: p shows a, which failed']);
  });

  it('finds a write that was applied twice, by its versions', () => {
    const once = new Planted().call('a', 'pair p', 'ok').pair('a', 'a', 5).pair('a', 'a', 5);
    expect(visibilityProblems(once.events)).toEqual([]);
    expect(told(visibilityProblems(once.pair('a', 'a', 7).events))).toEqual(['C: p had a applied twice']);
  });

  it('finds a value that nobody wrote', () => {
    expect(told(visibilityProblems(new Planted().pair('x', 'x').events))).toEqual(['A: p shows x, which nobody wrote']);
  });

  it('finds a version that went back, and does not order readers who asked together', () => {
    const { events } = new Planted().version(5, 0, 10).version(4, 9, 20);
    expect(versionProblems(events)).toEqual([]);
    expect(told(versionProblems([...events, ...new Planted().version(4, 11, 20).events]))).toEqual([
      'D: the version of k went back',
    ]);
  });
});

describe('the checker of settling', () => {
  it('accepts calls that settle in time with a documented error', () => {
    expect(settlingProblems(new Planted().call('a', 'lock', 'failed', 'LOCK_TIMEOUT').events)).toEqual([]);
  });

  it('finds a call that never settled, unless its process was killed', () => {
    const { events } = new Planted().add({ kind: 'begin', op: 'a', action: 'lock', withinMs: 1 });
    expect(told(settlingProblems(events))).toEqual(['E: lock a never settled']);
    expect(settlingProblems(events, { killed: ['ann'] })).toEqual([]);
    const part = events.map((event) => ({ ...event, actor: 'ann/1' }));
    expect(settlingProblems(part, { killed: ['an'] })).toHaveLength(1);
    expect(settlingProblems(part, { killed: ['ann'] })).toEqual([]);
  });

  it('finds a call that settled too late', () => {
    const { events } = new Planted()
      .add({ kind: 'begin', op: 'a', action: 'lock', withinMs: 5 })
      .add({ kind: 'settle', op: 'a', outcome: 'ok', atMs: 7 });
    expect(told(settlingProblems(events))).toEqual(['E: lock took 7 ms of 5']);
  });

  it('finds an error that no such fault explains', () => {
    const { events } = new Planted().call('a', 'lock', 'failed', 'unexpected TypeError: x');
    expect(told(settlingProblems(events))).toEqual(['E: lock ended with unexpected TypeError: x']);
  });
});

describe('the checker of remains', () => {
  it('finds what was left behind, what happened to the process, and what grew', () => {
    const { events } = new Planted()
      .add({ kind: 'leftover', what: 'field t of lock l' })
      .add({ kind: 'incident', what: 'unhandled rejection' })
      .add({ kind: 'sample', phase: 'before', of: 'sockets', count: 2 })
      .add({ kind: 'sample', phase: 'after', of: 'sockets', count: 3 })
      .add({ kind: 'sample', phase: 'before', of: 'timers', count: 2 })
      .add({ kind: 'sample', phase: 'after', of: 'timers', count: 2 });
    expect(told(leftoverProblems(events))).toEqual(['F: left behind: field t of lock l']);
    expect(told(growthProblems(events))).toEqual(['G: unhandled rejection', 'G: sockets grew from 2 to 3']);
  });
});

describe('all checkers together', () => {
  const stolen = new Planted().hold('a', 1, 0, 10, { answer: 'lost' }).hold('b', 2, 4, 20).events;

  it('look past overlaps only where the server may lose locks', () => {
    expect(told(problemsOf(stolen))).toEqual(['B: two believed to hold seat for 6.0 ms']);
    expect(problemsOf(stolen, { losesLocks: true })).toEqual([]);
  });

  it('look past overlaps of stopped holders, and still see a lock that the server gave twice', () => {
    expect(problemsOf(stolen, { pausesHolders: true })).toEqual([]);
    const { events } = new Planted().hold('a', 1, 0, 10).hold('b', 2, 4, 20);
    expect(told(problemsOf(events, { pausesHolders: true }))).toEqual([
      'B: seat was held twice, and both releases found their own lock',
    ]);
  });

  it('look past counters and versions only where the server may lose entries', () => {
    const { events } = new Planted()
      .call('a', 'increment n', 'ok')
      .add({ kind: 'counted', counter: 'n', count: 0, ops: [] });
    expect(problemsOf(events)).not.toEqual([]);
    expect(problemsOf(events, { losesEntries: true })).toEqual([]);
  });

  it('tell the seed, and the events that prove a problem', () => {
    expect(() => assertSound(stolen, 4711)).toThrow(/FAULT_SEED=4711\nB: two believed.*\n.*"hold":"a"[^]*"hold":"b"/);
    expect(() => assertSound([], 4711)).not.toThrow();
  });
});

describe('the summary of a history', () => {
  it('counts outcomes by action, and codes', () => {
    const { events } = new Planted().call('a', 'lock', 'ok').call('b', 'lock', 'failed', 'LOCK_TIMEOUT');
    expect(summaryOf(events)).toEqual({ lock: { ok: 1, failed: 1, unknown: 0 } });
    expect(codesOf(events)).toEqual({ LOCK_TIMEOUT: 1 });
  });
});
