/** The long form of the fault tests: the schedules of `npm test`, several times over, from a seed that it prints. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { commandLine, TEXT } from './command-line.mjs';

/** A quarter of an hour on two cores. */
const DEFAULT_ROUNDS = 5;
/** Several rounds of several files at a time would be about a starved machine rather than about the fault. */
const WORKERS = 2;
const MAX_ROUNDS = 1_000;
const MAX_SEED = 2 ** 31 - 1;

const HELP = `Plays every fault of test/faults against real servers, several rounds with schedules from one seed.

  npm run test:faults -- [options] [part of a file's path ...]

  --seed=N      replays the schedules of a run that printed this seed (also FAULT_SEED); default: a new one
  --rounds=N    how often each fault is played (also FAULT_ROUNDS); default ${DEFAULT_ROUNDS}, 1 is what \`npm test\` does
  --only=TEXT   only the tests whose title matches, for example --only=F02
  --help        this text

  npm run test:faults -- --seed=4711 --rounds=1 --only=F02 standalone`;

const { values, positionals, wholeNumber } = commandLine({
  help: HELP,
  options: { seed: TEXT, rounds: TEXT, only: TEXT },
  allowPositionals: true,
});
const seed = wholeNumber('seed', values.seed ?? process.env['FAULT_SEED'] ?? String(randomInt(1, MAX_SEED)), MAX_SEED);
const rounds = wholeNumber(
  'rounds',
  values.rounds ?? process.env['FAULT_ROUNDS'] ?? String(DEFAULT_ROUNDS),
  MAX_ROUNDS,
);
const replay = `npm run test:faults -- --seed=${seed} --rounds=${rounds}`;

console.log(`The fault tests play ${rounds} rounds. To replay them: ${replay}`);
const root = fileURLToPath(new URL('..', import.meta.url));
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const title = values.only === undefined ? [] : ['--testNamePattern', values.only];
const { status, signal } = spawnSync(
  process.execPath,
  [...jest, '--maxWorkers', String(WORKERS), '--selectProjects', 'faults', ...title, '--', ...positionals],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, FAULT_SEED: String(seed), FAULT_ROUNDS: String(rounds) },
  },
);
if (status !== 0) console.error(`The fault tests failed${signal ? ` (${signal})` : ''}. To replay them: ${replay}`);
process.exit(status ?? 1);
