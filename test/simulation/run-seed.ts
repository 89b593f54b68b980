import { StoreTimeoutError, StoreUnavailableError } from '../../src/base/errors.js';
import { strays } from './checks/leftovers.js';
import { type Verdict, verdictOn } from './checks/problems.js';
import type { Journal } from './workload/journal.js';
import { DatabaseError } from './database/database-error.js';
import { loadScriptsOf, withRows } from './workload/row-work.js';
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
/** What owners that live could not settle they list again within a second; and a replay looks once more when all have ended. */
const QUIET_ROUNDS = 2;
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
  const scripts = scriptsFor(world);
  for (const script of scripts) {
    scheduler.after(script.startMs, () => {
      const member = world.members[script.process];
      if (member !== undefined) begin(world, member, script);
    });
  }
  startLoaders(world);
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

function scriptsFor(world: World): Script[] {
  const { database, names, profile } = world;
  const scripts = scriptsOf(world.dice('scripts'), profile, names);
  return database === undefined ? scripts : withRows(world.dice('rows'), profile, scripts);
}

/** Readers of a cache beside a database fill what they miss. */
function startLoaders(world: World): void {
  const { database, journal, names, profile, scheduler } = world;
  if (database === undefined) return;
  for (const script of loadScriptsOf(world.dice('loaders'), profile, database.profile, names)) {
    scheduler.after(script.startMs, () => {
      const { client, process } = world.members[script.process] ?? world.janitor;
      process.after(0, () => {
        client.keepLoading(script).catch((error: unknown) => {
          journal.problems.push(`error: ${script.id} ended with ${String(error)}`);
        });
      });
    });
  }
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

/** As a sweep of an application: what is overdue, then what the servers may have lost. */
async function clearUp({ journal }: World, { recovery, side }: Member): Promise<void> {
  try {
    await recovery.clearUp();
    await side?.look();
  } catch (error) {
    if ([StoreTimeoutError, StoreUnavailableError, DatabaseError].some((kind) => error instanceof kind)) return;
    journal.problems.push(`error: a recovery ended with ${String(error)}`);
  }
}

/** Nothing goes wrong any more: lets everything arrive, everybody end, and the janitor clear up. */
async function settle(world: World): Promise<void> {
  const { database, scheduler, network, slots, janitor, journal, trace } = world;
  network.heal();
  database?.link.heal();
  trace?.note(scheduler.nowMs, 'world', 'heals');
  let quietRounds = 0;
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
    await scheduler.pass(ROUND_MS * 1.2 ** rounds);
    const isQuiet =
      network.requestsUnderway === 0 &&
      world.members.every(({ process, committer }) => !process.isPaused && committer.isIdle) &&
      journal.calls.every(({ process, settledAtMs }) => settledAtMs !== undefined || process.hasCrashed) &&
      slots.every(
        (slot) => slot.peek((_slot, _now, space) => space.overdue(1, { ms: Infinity, us: 0 })).length === 0,
      ) &&
      (database === undefined || database.server.openTransactions === 0);
    quietRounds = isQuiet ? quietRounds + 1 : 0;
    if (quietRounds > (database === undefined ? 0 : QUIET_ROUNDS)) break;
    void clearUp(world, janitor);
  }
  await scheduler.pass(PAST_EVERYTHING_MS);
}

/** Everything, in one read at the end, which also settles what only readers find. */
async function finalReads(world: World) {
  const { database, names, janitor, journal, scheduler } = world;
  const keys = [...names.lists, ...names.registers];
  if (database !== undefined) {
    const loads = Promise.all(keys.map((key) => janitor.client.load('last', key)));
    await scheduler.pass(FINAL_READ_MS);
    if (!(await loads).every(Boolean)) journal.problems.push('final: a load failed although everything had healed');
  }
  const reads = janitor.client.read('final', keys);
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
