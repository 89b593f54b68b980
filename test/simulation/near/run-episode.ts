import { Dice } from '../engine/dice.js';
import { Judge, type Seen } from './judge.js';
import { NearClient, type Progress } from './near-client.js';
import type { NearMutation } from './near-mutants.js';
import type { NearProcess } from './near-process.js';
import { COUNTER } from './near-profile.js';
import { NearWorld } from './near-world.js';

/** What one episode showed. */
export interface EpisodeResult extends Seen {
  readonly seed: number;
  readonly steps: number;
  readonly problems: readonly string[];
  readonly virtualMs: number;
}

/** Steps of an episode: each has a profile of its own. */
export const EPISODE_STEPS = 500;
const TURN_MS = 1_000;
/** Far beyond what any episode takes; a client that waits for ever shows here. */
const MOST_TURNS = 3_600;
/** Shorter than an answer, up to longer than many. */
const LEAST_CUT_MS = 2;
const UP_MS = 600;
const DOWN_MS = 400;

/** Plays one episode to its end. The same seed does the same. */
export async function runEpisode(
  seed: number,
  steps = EPISODE_STEPS,
  mutation: NearMutation = {},
): Promise<EpisodeResult> {
  const { stackTraceLimit } = Error;
  // Errors are everyday here, and making their traces would cost much of the time.
  Error.stackTraceLimit = 0;
  try {
    return await play(new NearWorld(seed, mutation), seed, steps);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function play(world: NearWorld, seed: number, steps: number): Promise<EpisodeResult> {
  const { problems, profile, scheduler, truth } = world;
  await world.start();
  const judge = new Judge(truth, profile.slots === 1, world.loads, problems);
  const progress: Progress = { stepsLeft: steps, increments: 0 };
  let running = 0;
  for (const [i, process] of world.processes.entries()) {
    if (profile.hasDowns) void cutAtTimes(world, process, new Dice(seed, 100 + i), progress);
    for (let c = 0; c < profile.clients; c += 1) {
      running += 1;
      const client = new NearClient(world, process, judge, new Dice(seed, 10 + 10 * i + c), progress);
      client
        .run()
        .catch((error: unknown) => problems.push(`error: a client of ${process.name} ended with ${String(error)}`))
        .finally(() => (running -= 1));
    }
  }
  for (let turns = 0; running > 0 && problems.length === 0; turns += 1) {
    if (turns >= MOST_TURNS) problems.push(`stuck: ${running} clients have not ended`);
    await scheduler.pass(TURN_MS);
  }
  truth.observe();
  const count = truth.valueAt(COUNTER, scheduler.nowMs) ?? 0;
  if (problems.length === 0 && count !== progress.increments) {
    problems.push(`lost update: ${progress.increments} transactions have counted to ${count}`);
  }
  return { ...judge.seen, seed, steps: steps - Math.max(0, progress.stepsLeft), problems, virtualMs: scheduler.nowMs };
}

/** The bus of a process dies, which it is told, and comes back. */
async function cutAtTimes(world: NearWorld, process: NearProcess, dice: Dice, progress: Progress): Promise<void> {
  const { horizon, store } = process;
  while (progress.stepsLeft > 0) {
    await world.pass(dice.scale(LEAST_CUT_MS, UP_MS));
    process.isCut = true;
    horizon.down(world.scheduler.nowMs);
    store.down();
    await world.pass(dice.scale(LEAST_CUT_MS, DOWN_MS));
    process.isCut = false;
    horizon.gap(world.scheduler.nowMs);
    store.gap();
  }
}
