import { describe, expect, it } from '@jest/globals';

import { MUTANTS } from './mutants/mutants.js';
import { runSeed } from './run-seed.js';

/** Where one of these is not found, this is how long it takes to say so. */
const AT_MOST_MS = 60_000;

describe('a simulation of a commit protocol that', () => {
  it.each(MUTANTS)(
    '$name fails within $withinSeeds seeds',
    async ({ mutation, withinSeeds, shows }) => {
      const shown: string[] = [];
      for (let seed = 1; seed <= withinSeeds && shown.length === 0; seed += 1) {
        shown.push(...(await runSeed(seed, { mutation })).problems);
      }
      expect(shown).toContainEqual(expect.stringMatching(shows));
    },
    AT_MOST_MS,
  );
});
