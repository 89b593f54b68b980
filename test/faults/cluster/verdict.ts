import { expect } from '@jest/globals';

import type { HistoryEvent } from '../../support/history/event.js';
import { only } from '../../support/history/event.js';
import { refusedWrites } from '../../support/history/guarded-writes.js';
import { overlaps } from '../../support/history/holds.js';
import { describeProblem } from '../../support/history/problem.js';
import { problemsOf, type SoundnessOptions } from '../../support/history/soundness.js';
import { codesOf } from '../../support/history/summary.js';

/** More would only hide the first. */
const SHOWN = 5;

/**
 * Judges a history in which two masters may have served one lock for a while. Both then answer `released` to holders who
 * never waited for each other, so nothing follows from these answers, and they are left out.
 */
export function expectSoundWithTwoMasters(events: readonly HistoryEvent[]): void {
  const judged = events.filter(({ kind }) => kind !== 'released');
  expectNoProblems(judged, { losesLocks: true, losesEntries: true });
}

/** Judges a history with one master at a time, which hands over everything to the next. */
export function expectSoundWithOneMaster(events: readonly HistoryEvent[]): void {
  expectNoProblems(events, {});
}

function expectNoProblems(events: readonly HistoryEvent[], options: SoundnessOptions): void {
  const problems = problemsOf(events, options);
  expect([problems.length, ...problems.slice(0, SHOWN).map(describeProblem)]).toEqual([0]);
}

/** What nobody promises, for the eye: with FAULT_FIGURES in the environment. */
export function tellFigures(what: string, events: readonly HistoryEvent[]): void {
  if (!process.env['FAULT_FIGURES']) return;
  const oks = only(events, 'settle')
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ atMs }) => atMs);
  const silence = Math.max(0, ...oks.slice(1).map((atMs, i) => atMs - oks[i]!));
  const figures = {
    silenceMs: Math.round(silence),
    holds: only(events, 'granted').length,
    overlaps: overlaps(events).map(({ forMs }) => Math.round(forMs)),
    refusedWrites: refusedWrites(events),
    signals: only(events, 'signalled').length,
    lost: lostIncrements(events),
    ...codesOf(events),
  };
  process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`);
}

/** Increments that were acknowledged and are gone: what asynchronous replication costs. */
function lostIncrements(events: readonly HistoryEvent[]): number {
  const kept = new Set(only(events, 'counted').flatMap(({ ops }) => ops));
  const increments = new Set(
    only(events, 'begin')
      .filter(({ action }) => action.startsWith('increment '))
      .map(({ op }) => op),
  );
  return only(events, 'settle').filter(({ op, outcome }) => outcome === 'ok' && increments.has(op) && !kept.has(op))
    .length;
}
