import sequencer from '@jest/test-sequencer';
import { relative } from 'node:path';

/** @typedef {Parameters<import('@jest/test-sequencer').default['sort']>[0]} Tests */

// Its types are those of a CommonJS module, and it is none.
const Sequencer = /** @type {typeof import('@jest/test-sequencer').default} */ (/** @type {unknown} */ (sequencer));

/** Where the longest files are. One that begins last leaves all workers but one without work. */
const FIRST = ['test/simulation', 'test/model', 'test/faults', 'sample-app', 'test/contract', 'test/e2e'];

/** The order of test files. Where they have not run yet Jest knows no times, and would go by their sizes. */
export default class LongestFirst extends Sequencer {
  /**
   * @override
   * @param {Tests} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    const isTimed = sorted.every(({ duration }) => duration !== undefined);
    return isTimed ? sorted : sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

/** @param {Tests[number]} test */
function placeOf({ path, context }) {
  const file = relative(context.config.rootDir, path);
  const place = FIRST.findIndex((folder) => file.startsWith(`${folder}/`));
  return place < 0 ? FIRST.length : place;
}
