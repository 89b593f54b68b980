/** The long form of test/simulation/near: as many steps as one likes, from a seed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { javascriptOf } from '../test/support/processes/javascript-tree.mjs';
import { commandLine, TEXT } from './command-line.mjs';

const HELP = `Plays near caches against late answers and lost, late and repeated messages, on virtual time.

  npm run simulate:near -- [options]

  --steps=N  reads, writes and transactions; default 1000000, some minutes on one core
  --seed=N   of the first 500 of them; those after it have the next one; default 1
  --help     this text`;
const MAX_STEPS = 1_000_000_000;
const MAX_SEED = 2 ** 31;

const { values, wholeNumber } = commandLine({ help: HELP, options: { steps: TEXT, seed: TEXT } });
const steps = wholeNumber('steps', values.steps ?? '1000000', MAX_STEPS);
const seed = wholeNumber('seed', values.seed ?? '1', MAX_SEED);
const worker = await javascriptOf(new URL('../test/simulation/near/simulate-near.worker.ts', import.meta.url));
const child = spawn(process.execPath, ['--enable-source-maps', fileURLToPath(worker), String(steps), String(seed)], {
  stdio: 'inherit',
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
