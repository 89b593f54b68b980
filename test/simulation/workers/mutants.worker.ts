import { DATABASE_MUTANTS } from '../mutants/database-mutants.js';
import { MUTANTS } from '../mutants/mutants.js';
import { runSeed } from '../run-seed.js';

/** Who decides the commits of a mutant. */
export const BY_DECIDER = { slots: MUTANTS, database: DATABASE_MUTANTS };

export const calls = {
  /** What a seed that fails shows; nothing, where the mutant lives. */
  async kill(decider: keyof typeof BY_DECIDER, name: string): Promise<readonly string[]> {
    const mutant = BY_DECIDER[decider].find((each) => each.name === name)!;
    const { losesWrites = false, mutation, withinSeeds, knownSeed } = mutant;
    const play = async (seed: number): Promise<readonly string[]> =>
      (await runSeed(seed, { database: decider === 'database', losesWrites, mutation })).problems;
    const known = knownSeed === undefined ? [] : await play(knownSeed);
    if (known.length > 0) return known;
    for (let seed = 1; seed <= withinSeeds; seed += 1) {
      const problems = await play(seed);
      if (problems.length > 0) return problems;
    }
    return [];
  },
};
