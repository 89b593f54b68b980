/**
 * A process that plays seeds, for `scripts/simulate.mjs`: gets ranges of them by message, and answers what each range showed. With a
 * seed as its argument it prints the whole event log of that one instead.
 */
import { setImmediate } from 'node:timers/promises';

import { Trace } from './engine/trace.js';
import { runSeed } from './run-seed.js';
import { BEYOND, type Beyond, type SimulationOptions } from './world/world.js';

/** Seeds to play, one after the other. */
interface Range {
  readonly from: number;
  readonly count: number;
}

/** A message of the parent is heard only between two turns of the event loop. */
const SEEDS_PER_TURN = 50;

const [mode = 'plain', decider = 'any', traced, beyond = ''] = process.argv.slice(2);
const options: SimulationOptions = {
  losesWrites: mode === 'losing',
  ...(decider !== 'any' && { database: decider === 'database' }),
  ...(isBeyond(beyond) && { beyond }),
};

if (traced === undefined) {
  process.on('message', (range: Range) => void play(range));
  process.on('disconnect', () => process.exit(0));
  // The parent decides when it is over, also when both of them get Ctrl-C.
  process.on('SIGINT', () => undefined);
} else {
  const trace = new Trace();
  const { problems, losses } = await runSeed(Number(traced), { ...options, trace });
  const verdict = problems.length === 0 ? ['nothing is wrong'] : problems;
  process.stdout.write(`${[trace.text, '', ...losses.map((loss) => `(${loss})`), ...verdict].join('\n')}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

async function play({ from, count }: Range): Promise<void> {
  const failed: { seed: number; problems: readonly string[] }[] = [];
  let commits = 0;
  let events = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await runSeed(seed, options);
    commits += result.outcomes['ok'] ?? 0;
    events += result.events;
    if (result.problems.length > 0) failed.push({ seed, problems: result.problems });
    if (seed % SEEDS_PER_TURN === 0) await setImmediate();
  }
  process.send?.({ count, commits, events, failed });
}

function isBeyond(text: string): text is Beyond {
  return BEYOND.some((each) => each === text);
}
