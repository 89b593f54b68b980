import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { own } from '../run-program.mjs';
import { SETUP_FILE } from './sources.mjs';

const RUN_SPEC = fileURLToPath(new URL('run-spec.mjs', import.meta.url));

/** The slowest spec takes about 20 s on two idle cores. */
const SPEC_TIMEOUT_MS = 180_000;

/** Enough to tell what a process complained about before it died. */
const OUTPUT_LIMIT = 4_000;

/**
 * @typedef {{ title: string, errors: string[] }} Failure title: the spec file, and the test if it is known
 *
 * @typedef {{ passed: number, failures: Failure[] }} SuiteOutcome
 */

/**
 * Runs spec files, each in a process of its own, some at a time.
 *
 * @param {object} task
 * @param {string} task.folder where the suite stands as JavaScript
 * @param {readonly string[]} task.specs paths from there
 * @param {number} task.jobs how many at a time
 * @param {NodeJS.ProcessEnv} task.env
 * @param {(failures: Failure[]) => void} task.onFailures called when a spec file has ended with some
 * @returns {Promise<SuiteOutcome>}
 */
export async function runSuite({ folder, specs, jobs, env, onFailures }) {
  /** @type {SuiteOutcome} */
  const outcome = { passed: 0, failures: [] };
  const queue = [...specs];
  const lane = async () => {
    for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
      const { passed, failures } = await runSpec(folder, spec, env);
      outcome.passed += passed;
      outcome.failures.push(...failures);
      if (failures.length > 0) onFailures(failures);
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  return outcome;
}

/**
 * @param {string} folder
 * @param {string} spec
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<SuiteOutcome>}
 */
async function runSpec(folder, spec, env) {
  const files = [SETUP_FILE, spec].map((path) => join(folder, path.replace(/\.ts$/, '.js')));
  const child = own(
    fork(RUN_SPEC, files, {
      cwd: folder,
      env,
      execArgv: ['--enable-source-maps', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    }),
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => (output = (output + String(chunk)).slice(-OUTPUT_LIMIT)));
  }
  /** @type {import('./run-spec.mjs').SpecOutcome | undefined} */
  let reported;
  child.once('message', (message) => {
    reported = /** @type {import('./run-spec.mjs').SpecOutcome} */ (message);
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), SPEC_TIMEOUT_MS);
  const [code, signal] = await once(child, 'close');
  clearTimeout(killer);

  const { tests, errors } = reported ?? { tests: [], errors: [`The process ended with ${signal ?? `code ${code}`}.`] };
  if (tests.length === 0 && errors.length === 0) errors.push('It has no tests.');
  const failures = tests
    .filter(({ status }) => status !== 'passed')
    .map(({ title, status, errors }) => ({
      title: `${spec} › ${title}`,
      errors: status === 'skipped' ? ['It was skipped.'] : errors,
    }));
  if (errors.length > 0) failures.push({ title: spec, errors: [...errors, `It printed: ${output || 'nothing'}`] });
  return { passed: tests.length - tests.filter(({ status }) => status !== 'passed').length, failures };
}
