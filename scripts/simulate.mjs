/** The long form of test/simulation: as many seeds as one likes, on several cores; or one seed with its whole event log. */
import { fork, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { javascriptOf } from '../test/support/processes/javascript-tree.mjs';
import { commandLine, FLAG, TEXT } from './command-line.mjs';

/** About a quarter of an hour on one core. */
const DEFAULT_SEEDS = 500_000;
const MAX_SEED = 2 ** 32 - 1;
const MAX_WORKERS = 64;
const SEEDS_PER_RANGE = 200;
/** Between two lines of progress. */
const TELL_EVERY_MS = 5_000;
const DECIDERS = ['any', 'slots', 'database'];
/** More would only hide the first. */
const MOST_FAILURES = 20;

const HELP = `Plays the commit protocol against slots, networks and processes that fail, one simulation for each seed.

  npm run simulate -- [options]

  --seeds=N      how many seeds; default ${DEFAULT_SEEDS}
  --from=N       the first of them; default 1
  --workers=N    processes that play them; default 1
  --losing       slots fail over and lose their last writes: weaker promises hold
  --decider=WHO  slots or database decides all transactions; without it the seed says which
  --seed=N       plays this one alone, and prints everything that happens in it
  --beyond=WHAT  with --seed: demands what is not promised, see Beyond in test/simulation/world/world.ts
  --trace        says the same as --seed alone does; for the command that a failed test prints
  --help         this text

  npm run simulate -- --seeds=1000000 --from=1 --workers=2
  npm run simulate -- --seed=4711 --trace`;

const { values, wholeNumber, stop } = commandLine({
  help: HELP,
  options: {
    seeds: TEXT,
    from: TEXT,
    workers: TEXT,
    seed: TEXT,
    losing: FLAG,
    decider: TEXT,
    beyond: TEXT,
    trace: FLAG,
  },
});
const worker = fileURLToPath(await javascriptOf(new URL('../test/simulation/simulate.worker.ts', import.meta.url)));
const mode = values.losing ? 'losing' : 'plain';
const decider = values.decider ?? 'any';
if (!DECIDERS.includes(decider)) stop(`--decider must be one of ${DECIDERS.join(', ')}, not ${decider}`);

if (values.seed !== undefined) {
  const seed = String(wholeNumber('seed', values.seed, MAX_SEED));
  const { status } = spawnSync(
    process.execPath,
    ['--enable-source-maps', worker, mode, decider, seed, values.beyond ?? ''],
    { stdio: 'inherit' },
  );
  process.exit(status ?? 1);
}

const seeds = wholeNumber('seeds', values.seeds ?? String(DEFAULT_SEEDS), MAX_SEED);
const from = wholeNumber('from', values.from ?? '1', MAX_SEED);
const workers = wholeNumber('workers', values.workers ?? '1', MAX_WORKERS);
const startedAt = performance.now();
const end = from + seeds;
let next = from;
let played = 0;
let commits = 0;
let events = 0;
let failures = 0;
let isStopped = false;

const children = Array.from({ length: workers }, () =>
  fork(worker, [mode, decider], { execArgv: ['--enable-source-maps'] }),
);
const progress = setInterval(tell, TELL_EVERY_MS);
process.on('SIGINT', () => finish('stopped'));
for (const child of children) {
  child.on('message', (/** @type {any} */ result) => {
    note(result);
    give(child);
  });
  child.on('exit', (code) => {
    if (isStopped) return;
    console.error(`a worker ended with ${code}`);
    failures += 1;
    finish('failed');
  });
  give(child);
}

/** @param {import('node:child_process').ChildProcess} child */
function give(child) {
  if (isStopped) return;
  if (next >= end) {
    if (played >= seeds) finish('done');
    return;
  }
  const count = Math.min(SEEDS_PER_RANGE, end - next);
  child.send({ from: next, count });
  next += count;
}

/** @param {{ count: number, commits: number, events: number, failed: { seed: number, problems: string[] }[] }} result */
function note(result) {
  played += result.count;
  commits += result.commits;
  events += result.events;
  for (const { seed, problems } of result.failed) {
    failures += 1;
    if (failures > MOST_FAILURES) return;
    console.error(`seed ${seed}: ${problems.join('\n  ')}`);
    const same = [...(values.losing ? ['--losing'] : []), ...(values.decider ? [`--decider=${values.decider}`] : [])];
    console.error(`  to replay it: npm run simulate -- ${[`--seed=${seed}`, '--trace', ...same].join(' ')}`);
  }
}

function tell() {
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = Math.round(played / seconds);
  console.log(
    `${played} of ${seeds} seeds, ${rate} a second, ${commits} commits, ${events} events, ${failures} failed`,
  );
}

/** @param {string} how */
function finish(how) {
  if (isStopped) return;
  isStopped = true;
  clearInterval(progress);
  for (const child of children) if (child.connected) child.disconnect();
  tell();
  console.log(`${how}; the next seed would have been ${next}`);
  process.exitCode = failures > 0 ? 1 : 0;
}
