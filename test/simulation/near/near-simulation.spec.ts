import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { ownProcess } from '../../support/processes/owned-process.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { NEAR_MUTANTS } from './near-mutants.js';
import type { calls } from './near-mutants.worker.js';
import { runEpisode } from './run-episode.js';

/** Played each time; `npm run simulate:near` plays as many as one likes. */
const STEPS = 4_000;
/** Within which each mutant is found out. */
const MUTANT_STEPS = 6_000;
const AT_MOST_MS = 120_000;
/** It has virtual time, and so all the time there is: tests beside it, which wait for real servers, go first. */
const NICE = 5;

/** What was printed, by a process of its own: in Jest's world the same takes three times as long. */
async function simulated(...options: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL('../../../scripts/simulate-near.mjs', import.meta.url));
  const simulation = ownProcess(spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'pipe'] }));
  setPriority(simulation.pid, NICE);
  try {
    await simulation.ended;
    return simulation.output();
  } finally {
    await simulation.stop();
  }
}

describe('near caches, simulated', () => {
  it(
    'G57: no plain read is older than its bound, no serializable transaction sees what never was, no update is lost',
    async () => {
      expect(await simulated(`--steps=${STEPS}`)).toContain('done; nothing is wrong');
    },
    AT_MOST_MS,
  );

  it('a seed plays the same episode, whatever was played before', async () => {
    const [first, other, again] = [await runEpisode(3, 100), await runEpisode(4, 100), await runEpisode(3, 100)];
    expect(again).toEqual(first);
    expect(other).not.toEqual({ ...first, seed: 4 });
  });
});

describe('a near cache that', () => {
  let player: Worker<typeof calls>;

  beforeAll(async () => {
    player = await startWorker<typeof calls>(new URL('./near-mutants.worker.ts', import.meta.url));
  });

  afterAll(() => player.stop());

  it.each(NEAR_MUTANTS)(
    `$name is found out within ${MUTANT_STEPS} steps`,
    async ({ name, shows }) => {
      expect(await player.call('kill', name, MUTANT_STEPS)).toContainEqual(expect.stringMatching(shows));
    },
    AT_MOST_MS,
  );
});
