/**
 * The version matrix: packs the library, installs it into throw-away projects with each supported major of NestJS and
 * ioredis, and runs the e2e suite there on plain Node, as CommonJS and as ESM. `--help` says how to run parts of it.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { packTarball } from '../pack-tarball.mjs';
import { withWorkspace } from '../workspace.mjs';
import { pairsOf } from './cells.mjs';
import { HELP, readOptions } from './options.mjs';
import { packagesFor } from './packages.mjs';
import { addFormat, compileConsumer, makeProject } from './project.mjs';
import { aligned, failureText, progressLine, seconds, table } from './report.mjs';
import { runSuite } from './run-suite.mjs';
import { readSuite } from './sources.mjs';

/** The proof that an installation is what its cell says; part of every run, whatever the pattern. */
const INSTALLED_SPEC = 'test/matrix/installed.spec.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @param {import('./options.mjs').MatrixOptions} options */
async function runMatrix({ cells, pattern, jobs, keep }) {
  const suite = readSuite(root);
  const all = [...suite.files.keys()].filter((path) => path.endsWith('.spec.ts')).sort();
  const specs = all.filter((path) => path === INSTALLED_SPEC || pattern.test(path));
  if (specs.length < 2) throw new Error(`No spec file has a path like ${String(pattern)}.`);
  console.log(`${cells.length} cells, ${specs.length} spec files, ${jobs} at a time`);

  return withWorkspace({ prefix: 'cache-txn-matrix-', keep }, async (workspace) => {
    const { tarball } = await timed('packed', () => packTarball(root, workspace));
    /** @type {import('./report.mjs').CellOutcome[]} */
    const outcomes = [];
    for (const pair of pairsOf(cells)) {
      const project = join(workspace, pair.name);
      await timed(`installed ${pair.name}`, () =>
        makeProject(project, tarball, packagesFor(root, suite.packages, pair)),
      );
      for (const cell of pair.cells) {
        const outcome = await runCell({ cell, project, suite, specs, jobs });
        outcomes.push(outcome);
        console.log(progressLine(outcome));
      }
    }
    return outcomes;
  });
}

/**
 * @param {object} task
 * @param {import('./cells.mjs').Cell} task.cell
 * @param {string} task.project
 * @param {import('./sources.mjs').Suite} task.suite
 * @param {readonly string[]} task.specs
 * @param {number} task.jobs
 * @returns {Promise<import('./report.mjs').CellOutcome>}
 */
async function runCell({ cell, project, suite, specs, jobs }) {
  const startedAtMs = performance.now();
  const folder = addFormat({ root, project, suite, format: cell.format });
  const mistakes = await compileConsumer(root, folder);
  const env = {
    ...process.env,
    NODE_ENV: 'test', // As Jest sets it.
    NO_COLOR: '1',
    CACHE_TXN_MATRIX_CELL: cell.name,
    CACHE_TXN_E2E_REDIS: cell.redis,
  };
  /** @param {import('./run-suite.mjs').Failure[]} failures */
  const onFailures = (failures) => console.log(failureText(cell.name, failures));
  const { passed, failures } = await runSuite({ folder, specs, jobs, env, onFailures });
  if (mistakes !== undefined) {
    const failure = { title: 'the public API compiles', errors: [mistakes] };
    onFailures([failure]);
    failures.unshift(failure);
  }
  const types = mistakes === undefined ? 'ok' : 'FAILED';
  return { cell, passed, failures, types, tookMs: performance.now() - startedAtMs };
}

/**
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 */
async function timed(what, work) {
  const startedAtMs = performance.now();
  const result = await work();
  console.log(`${what} (${seconds(performance.now() - startedAtMs)})`);
  return result;
}

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) console.log(HELP);
  else if (options.list) console.log(aligned(options.cells.map(({ name, redis }) => [name, redis])));
  else {
    const startedAtMs = performance.now();
    const outcomes = await runMatrix(options);
    const failed = outcomes.filter(({ failures }) => failures.length > 0).length;
    console.log(`\n${table(outcomes)}\nin ${seconds(performance.now() - startedAtMs)}`);
    console.log(`${outcomes.length - failed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
