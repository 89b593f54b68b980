import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';

import { Trace } from './engine/trace.js';
import { KEPT_SEEDS } from './kept-seeds.js';
import { runSeed } from './run-seed.js';
import type { SimulationOptions } from './world/world.js';

/** Played each time; `npm run simulate` plays as many as one likes. */
const SEEDS = 20_000;
/** Of these in each test, so that the first that fails is told soon. */
const SEEDS_PER_TEST = 5_000;
const LOSING_SEEDS = 500;
/** Enough to see whether anything but the seed has a say. */
const SEEDS_PLAYED_TWICE = 100;
const AT_MOST_MS = 120_000;
/** Jest hears of time only between two turns of the event loop. */
const SEEDS_PER_TURN = 100;

/** The first seed that fails, as one reads it. */
async function firstFailure(from: number, count: number, options: SimulationOptions = {}): Promise<string> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { problems } = await runSeed(seed, options);
    if (problems.length > 0) {
      const replay = `npm run simulate -- --seed=${seed} --trace${options.losesWrites ? ' --losing' : ''}`;
      return [`seed ${seed}:`, ...problems, `to replay it: ${replay}`].join('\n  ');
    }
    if (seed % SEEDS_PER_TURN === 0) await setImmediate();
  }
  return 'none';
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

  it.each(KEPT_SEEDS)('seed $seed: $showed', async ({ seed, losesWrites = false, beyond, still }) => {
    const { problems, losses } = await runSeed(seed, { losesWrites, ...(beyond && { beyond }) });
    const shown = [...problems, ...(still?.startsWith('kept: ') ? losses : [])];
    if (still === undefined) expect(shown).toEqual([]);
    else expect(shown).toContainEqual(expect.stringContaining(still));
  });

  it.each(Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, i) => 1 + i * SEEDS_PER_TEST))(
    'G14, G16, I10: transactions are atomic and serializable, settle in time and leave nothing behind, from seed %d on',
    async (from) => {
      expect(await firstFailure(from, SEEDS_PER_TEST)).toBe('none');
    },
    AT_MOST_MS,
  );

  it(
    'a failover that loses writes leaves no intent, no open transaction, no caller without an answer, and no value that nobody wrote',
    async () => {
      expect(await firstFailure(1, LOSING_SEEDS, { losesWrites: true })).toBe('none');
    },
    AT_MOST_MS,
  );
});
