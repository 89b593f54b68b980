import { expect } from '@jest/globals';

import { type HistoryEvent, only } from '../../support/history/event.js';
import { describeProblem } from '../../support/history/problem.js';
import { EXPECTED_CODES } from '../../support/history/settling.js';
import { problemsOf } from '../../support/history/soundness.js';
import { isVisible } from './cells.js';
import { type CrashPlayed, type Fared, RESOLVED_WITHIN_MS } from './crash-scene.js';
import { CODES_OF_FAILPOINTS } from './thrown.js';

/** More would only hide the first. */
const SHOWN = 5;

/** The history is sound, and every transaction whose owner met its fate is where the protocol says. */
export function expectAllResolved({ events, fared }: CrashPlayed): void {
  const codes = { expectedCodes: [...EXPECTED_CODES, ...CODES_OF_FAILPOINTS], killed: ['kill'] };
  const problems = [
    ...problemsOf(events, codes).map(describeProblem),
    ...only(events, 'resolved').flatMap(late),
    ...fared.filter(({ isReached }) => isReached).flatMap(contradictions),
  ];
  expect([problems.length, ...problems.slice(0, SHOWN)]).toEqual([0]);
}

function late({ what, afterMs }: Extract<HistoryEvent, { kind: 'resolved' }>): string[] {
  return afterMs > RESOLVED_WITHIN_MS ? [`${what}: its intents went ${afterMs} ms after their deadline`] : [];
}

/** What one transaction's owner was told, and what everybody sees, against what the step decides. */
function contradictions({ cell, op, told, before, meanwhile, seen, rows }: Fared): string[] {
  const decided = isVisible(cell) ?? told?.outcome === 'ok';
  const value = meanwhile ?? (decided ? op : before) ?? null;
  const outcome = decided ? 'ok' : 'failed';
  return [
    ...(told && told.outcome !== outcome
      ? [`${cell.name}: its caller was told ${told.outcome} (${told.code}), not ${outcome}`]
      : []),
    ...(seen.every((each) => each === value || (rows && each === null)) && (rows ?? []).every((each) => each === value)
      ? []
      : [
          `${cell.name}: the values are ${seen.join(', ')}${rows ? ` and the rows ${rows.join(', ')}` : ''}, not ${value} ` +
            `(${JSON.stringify({ op, told, before, meanwhile })})`,
        ]),
  ];
}

/** How the transactions fared, for the eye. */
export function crashFigures({ events, fared }: CrashPlayed): string {
  const resolved = only(events, 'resolved').map(({ afterMs }) => afterMs);
  const longestMs = Math.max(0, ...resolved);
  return `${fared.length} transactions, ${resolved.length} left intents; the last of them went ${longestMs} ms after its deadline`;
}
