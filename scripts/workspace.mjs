import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

import { endPrograms } from './run-program.mjs';

/** What a terminal, a shell or a CI runner sends to a script that shall end. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Gives the body a new temporary folder and removes it at the end, also when the body fails, and when a signal ends the
 * script: then after everything that the script has started.
 *
 * @template T
 * @param {{ prefix: string, keep?: boolean }} options `keep` leaves the folder and says where it is
 * @param {(folder: string) => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withWorkspace({ prefix, keep = false }, body) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  const leave = () => {
    if (keep) console.log(`Kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    console.error(`${signal}: ending.`);
    void endPrograms().finally(() => {
      leave();
      process.exit(128 + constants.signals[signal]);
    });
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    return await body(folder);
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    await endPrograms();
    leave();
  }
}
