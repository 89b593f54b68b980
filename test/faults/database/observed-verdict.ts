import { expect } from '@jest/globals';

import { FAULT_SEED } from '../seed.js';
import type { Observed } from './observed.js';

/** One line of figures. */
export function tellObserved(
  name: string,
  { books, calmAfterMs, changes, different, notes, failedReads, remains, seen, transfers, writes }: Observed,
): void {
  const { examples, longestStaleMs, ...figures } = seen;
  const shown = examples.map((example) => `\n  ${JSON.stringify(example)}`).join('');
  const wrong = [...different, ...remains, ...books].map((what) => `\n  ${what}`).join('');
  process.stdout.write(
    `observed ${name}: FAULT_SEED=${FAULT_SEED} ${JSON.stringify(figures)} changes ${changes} transfers ${JSON.stringify(transfers)} writes ${JSON.stringify(writes)} ` +
      `failed reads ${JSON.stringify(failedReads)} longest stale ${Math.round(longestStaleMs)} ms, calm after ${Math.round(calmAfterMs)} ms ${notes.join(', ')}${shown}${wrong}\n`,
  );
}

/** When nobody writes any more every entry is its row, nothing is left behind, and every transfer is whole or not there. */
export function expectAgreement({ books, different, incidents, remains, transfers, writes }: Observed): void {
  expect({ different, remains, books, incidents }).toEqual({ different: [], remains: [], books: [], incidents: [] });
  expect(transfers.ok).toBeGreaterThan(0);
  expect(writes['ok']).toBeGreaterThan(0);
}
