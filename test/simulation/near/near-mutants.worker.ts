import { NEAR_MUTANTS } from './near-mutants.js';
import { EPISODE_STEPS, runEpisode } from './run-episode.js';

export const calls = {
  /** What an episode that fails shows; nothing, where the mutant lives. */
  async kill(name: string, withinSteps: number): Promise<readonly string[]> {
    const mutant = NEAR_MUTANTS.find((each) => each.name === name)!;
    for (let seed = 1; seed <= withinSteps / EPISODE_STEPS; seed += 1) {
      const { problems } = await runEpisode(seed, EPISODE_STEPS, mutant);
      if (problems.length > 0) return problems;
    }
    return [];
  },
};
