import { expect } from '@jest/globals';

import { describeProblem } from '../../support/history/problem.js';
import { describeAnomaly, type Anomaly } from '../../support/history/serializability/anomaly.js';
import { checkHistory, type CheckOptions } from '../../support/history/serializability/check-history.js';
import type { History } from '../../support/history/serializability/history.js';
import { problemsOf } from '../../support/history/soundness.js';
import { codesOf } from '../../support/history/summary.js';
import type { Played } from './commit-scene.js';

/** More would only hide the first. */
const SHOWN = 5;

/** Redis may lose what it has acknowledged, but neither makes up a value nor doubles one. */
const NEVER: readonly Anomaly['kind'][] = ['garbage-read', 'duplicate-element'];

/** Judges a history in which no server has lost anything. */
export function expectNoAnomaly(what: string, played: Played, history: History, options?: CheckOptions): void {
  const anomalies = checkHistory(history, options ?? { realTime: true });
  tellCommitFigures(what, played, history, anomalies);
  expectSettledAndClean(played);
  expect(shown(anomalies.map(describeAnomaly))).toEqual([0]);
}

/** Judges a history in which servers have lost acknowledged writes: nothing that it shows may come from nowhere. */
export function expectNothingInvented(what: string, played: Played, history: History): void {
  const anomalies = checkHistory(history, { realTime: true });
  tellCommitFigures(what, played, history, anomalies);
  expectSettledAndClean(played);
  expect(shown(anomalies.filter(({ kind }) => NEVER.includes(kind)).map(describeAnomaly))).toEqual([0]);
}

/** Every call settled, in time and with a documented error; nothing is left, and nothing went unhandled. */
export function expectSettledAndClean({ events, killed }: Played): void {
  expect(shown(problemsOf(events, { killed }).map(describeProblem))).toEqual([0]);
}

/** With FAULT_FIGURES in the environment. */
export function tellCommitFigures(
  what: string,
  { events, killed, okPerSecond, keptDecisions }: Played,
  history: History,
  anomalies: readonly Anomaly[],
): void {
  if (!process.env['FAULT_FIGURES']) return;
  const count = (names: readonly string[]): Record<string, number> =>
    names.reduce<Record<string, number>>((counts, name) => ({ ...counts, [name]: (counts[name] ?? 0) + 1 }), {});
  const figures = {
    calls: events.filter(({ kind }) => kind === 'begin').length,
    attempts: count(history.map(({ status }) => status)),
    okPerSecond: Math.round(okPerSecond),
    killed: killed.length,
    keptDecisions,
    anomalies: count(anomalies.map(({ kind }) => kind)),
    codes: codesOf(events),
  };
  process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`);
}

/** How many, and the first ones: what a failed expectation can show. */
function shown(what: readonly string[]): (number | string)[] {
  return [what.length, ...what.slice(0, SHOWN)];
}
