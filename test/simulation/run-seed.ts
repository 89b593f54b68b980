import { StoreTimeoutError, StoreUnavailableError } from '../../src/base/errors.js';
import { strays } from './checks/leftovers.js';
import { type Verdict, verdictOn } from './checks/problems.js';
import type { Journal } from './workload/journal.js';
import { type Script, scriptsOf } from './workload/script.js';
import { planMisfortune } from './world/misfortune.js';
import { type Member, type SimulationOptions, World } from './world/world.js';

/** What one simulation showed. */
export interface Result extends Verdict {
  readonly seed: number;
  readonly events: number;
  /** Commits by what their callers were told: `ok`, the code of the error, or `nobody` was there to be told. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly virtualMs: number;
}

/** After the last transaction has begun, faults go on for this long. */
const TROUBLE_MS = 1_200;
/** Before the first round of the janitor; each pause is longer than the one before by a fifth. */
const ROUND_MS = 1_500;
/** Whatever was paused, late or overdue is over by then. */
const MOST_ROUNDS = 25;
/** Longer than any intent may wait for its owner, and than decisions are kept for when all have settled. */
const PAST_EVERYTHING_MS = 40_000;
const FINAL_READ_MS = 6_000;

/** Plays one seed to its end and judges it. The same seed and options do the same to the byte. */
export async function runSeed(seed: number, options: SimulationOptions = {}): Promise<Result> {
  const { stackTraceLimit } = Error;
  // Errors are everyday here, and making their traces would cost a tenth of the time.
  if (options.trace === undefined) Error.stackTraceLimit = 0;
  try {
    return await play(new World(seed, options), seed);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function play(world: World, seed: number): Promise<Result> {
  const { scheduler, profile, journal, trace } = world;
  trace?.note(0, 'world', `seed ${seed}`, { ...profile, ...world.names });
  const untilMs = profile.spanMs + TROUBLE_MS;
  const scripts = scriptsOf(world.dice('scripts'), profile, world.names);
  for (const script of scripts) {
    scheduler.after(script.startMs, () => {
      const member = world.members[script.process];
      if (member !== undefined) begin(world, member, script);
    });
  }
  planMisfortune(world, world.dice('faults'), scripts);
  startRecoveries(world, untilMs);
  await scheduler.pass(untilMs);
  await settle(world);
  const left = strays(world);
  const final = await finalReads(world);
  return {
    seed,
    ...verdictOn(world, final, left),
    events: scheduler.eventsRun,
    outcomes: outcomesOf(journal),
    virtualMs: scheduler.nowMs,
  };
}

function begin({ scheduler, journal, trace }: World, { client, process }: Member, script: Script): void {
  process.after(0, () => {
    trace?.note(scheduler.nowMs, process.name, `begins ${script.id}`, script);
    client.run(script).catch((error: unknown) => {
      journal.problems.push(`error: ${script.id} ended with ${String(error)}`);
    });
  });
}

/** Rivals that clear up behind each other's backs, and behind those of owners that are only slow. */
function startRecoveries(world: World, untilMs: number): void {
  const dice = world.dice('recovery');
  for (let i = 0; i < world.profile.recoverers; i += 1) {
    const number = dice.whole(0, world.profile.processes - 1);
    const round = (): void => {
      const member = world.members[number];
      if (member !== undefined && !member.process.isPaused) void clearUp(world, member);
    };
    for (let atMs = dice.real(0, 700); atMs < untilMs; atMs += dice.real(300, 700)) world.scheduler.after(atMs, round);
  }
}

async function clearUp({ journal }: World, { recovery }: Member): Promise<void> {
  try {
    await recovery.clearUp();
  } catch (error) {
    if (error instanceof StoreTimeoutError || error instanceof StoreUnavailableError) return;
    journal.problems.push(`error: a recovery ended with ${String(error)}`);
  }
}

/** Nothing goes wrong any more: lets everything arrive, everybody end, and the janitor clear up. */
async function settle(world: World): Promise<void> {
  const { scheduler, network, slots, janitor, journal, trace } = world;
  network.heal();
  trace?.note(scheduler.nowMs, 'world', 'heals');
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
    await scheduler.pass(ROUND_MS * 1.2 ** rounds);
    const isQuiet =
      network.requestsUnderway === 0 &&
      world.members.every(({ process, committer }) => !process.isPaused && committer.isIdle) &&
      journal.calls.every(({ process, settledAtMs }) => settledAtMs !== undefined || process.hasCrashed) &&
      slots.every((slot) => slot.peek((_slot, _now, space) => space.overdue(1, { ms: Infinity, us: 0 })).length === 0);
    if (isQuiet) break;
    void clearUp(world, janitor);
  }
  await scheduler.pass(PAST_EVERYTHING_MS);
}

/** Everything, in one read at the end, which also settles what only readers find. */
async function finalReads(world: World) {
  const { names, janitor, scheduler } = world;
  const reads = janitor.client.read('final', [...names.lists, ...names.registers]);
  await scheduler.pass(FINAL_READ_MS);
  return reads;
}

function outcomesOf({ attempts }: Journal): Record<string, number> {
  const outcomes: Record<string, number> = {};
  for (const { code, completedAtMs, status } of attempts) {
    const outcome = code ?? (completedAtMs === undefined ? 'nobody' : status);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}
