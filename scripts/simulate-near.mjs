/** The long form of test/simulation/near: as many steps as one likes, from a seed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { javascriptOf } from '../test/support/processes/javascript-tree.mjs';

const HELP = `Plays near caches against late answers and lost, late and repeated messages, on virtual time.

  npm run simulate:near -- [options]

  --steps=N  reads, writes and transactions; default 1000000, some minutes on one core
  --seed=N   of the first 500 of them; those after it have the next one; default 1
  --help     this text`;
const MAX_STEPS = 1_000_000_000;
const MAX_SEED = 2 ** 31;

const { values } = readArguments();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const steps = wholeNumber('steps', values.steps ?? '1000000', MAX_STEPS);
const seed = wholeNumber('seed', values.seed ?? '1', MAX_SEED);
const worker = await javascriptOf(new URL('../test/simulation/near/simulate-near.worker.ts', import.meta.url));
const child = spawn(process.execPath, ['--enable-source-maps', fileURLToPath(worker), String(steps), String(seed)], {
  stdio: 'inherit',
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});

function readArguments() {
  const text = /** @type {const} */ ({ type: 'string' });
  try {
    return parseArgs({ options: { steps: text, seed: text, help: { type: 'boolean' } } });
  } catch (error) {
    return stop(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} highest
 */
function wholeNumber(name, text, highest) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > highest)
    stop(`--${name} must be a whole number from 1 to ${highest}, not ${text}`);
  return number;
}

/**
 * @param {string} reason
 * @returns {never}
 */
function stop(reason) {
  console.error(`${reason}\n\n${HELP}`);
  process.exit(2);
}
