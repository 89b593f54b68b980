import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

import { ownProcess } from '../support/processes/owned-process.js';
import { Trace } from './engine/trace.js';
import { KEPT_SEEDS } from './kept-seeds.js';
import { runSeed } from './run-seed.js';

/** Played each time; `npm run simulate` plays as many as one likes. */
const SEEDS = 20_000;
const LOSING_SEEDS = 500;
/** Enough to see whether anything but the seed has a say. */
const SEEDS_PLAYED_TWICE = 100;
/** It has virtual time, and so all the time there is: tests beside it, which wait for real servers, go first. */
const NICE = 5;
/** Half a minute of one core, which a busy machine gives to others first. */
const AT_MOST_MS = 900_000;

/**
 * Plays seeds as `npm run simulate` does, in a process of their own: in Jest's world, beside all that other tests have left behind,
 * the same takes three times as long. Gives what was printed when one of them failed.
 */
async function failuresOf(...options: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL('../../scripts/simulate.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const simulation = ownProcess(child);
  setPriority(simulation.pid, NICE);
  try {
    await simulation.ended;
    return child.exitCode === 0 && simulation.output().includes('\ndone;') ? 'none' : simulation.output();
  } finally {
    await simulation.stop();
  }
}

describe('the commit protocol, simulated', () => {
  it('a seed plays the same simulation to the byte, traced or not, and whatever was played before', async () => {
    const play = async (seed: number): Promise<string> => {
      const trace = new Trace();
      const result = await runSeed(seed, { trace, losesWrites: seed % 4 === 0 });
      return `${seed} ${trace.hash} ${JSON.stringify(result)}`;
    };
    const untraced = async (seed: number): Promise<string> =>
      JSON.stringify(await runSeed(seed, { losesWrites: seed % 4 === 0 }));
    const seeds = Array.from({ length: SEEDS_PLAYED_TWICE }, (_, i) => i + 1);
    const first: string[] = [];
    for (const seed of seeds) first.push(await play(seed));
    const again: string[] = [];
    for (const seed of seeds.toReversed()) again.unshift(await play(seed));
    expect(again).toEqual(first);
    for (const seed of seeds) expect(first[seed - 1]).toContain(await untraced(seed));
    expect(new Set(first.map((each) => each.split(' ')[1])).size).toBe(SEEDS_PLAYED_TWICE);
  });

  it.each(KEPT_SEEDS)('seed $seed: $showed', async ({ seed, database, losesWrites = false, beyond, still }) => {
    const { problems, losses } = await runSeed(seed, { database, losesWrites, ...(beyond && { beyond }) });
    const shown = [...problems, ...(still?.startsWith('kept: ') ? losses : [])];
    if (still === undefined) expect(shown).toEqual([]);
    else expect(shown).toContainEqual(expect.stringContaining(still));
  });

  it(
    'G14, G16, I10: transactions are atomic and serializable, settle in time and leave nothing behind',
    async () => {
      expect(await failuresOf(`--seeds=${SEEDS}`)).toBe('none');
    },
    AT_MOST_MS,
  );

  it(
    'a failover that loses writes leaves no intent, no open transaction, no caller without an answer, and no value that nobody wrote',
    async () => {
      expect(await failuresOf(`--seeds=${LOSING_SEEDS}`, '--losing')).toBe('none');
    },
    AT_MOST_MS,
  );
});
