/**
 * Runs one spec file in this process and sends the outcome of its tests to the parent:
 * `node run-spec.mjs <setup file> <spec file>`, both JavaScript. It ends the process, as Jest's `forceExit` does.
 */
import { getState, run } from 'jest-circus';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

/**
 * @typedef {{ title: string, status: 'passed' | 'failed' | 'skipped', errors: string[] }} TestOutcome
 *
 * @typedef {{ tests: TestOutcome[], errors: string[] }} SpecOutcome errors are those that belong to no test
 */

/** Where a test does not set its own. Jest's 5 s are too few for processes that share two cores with as many others. */
const TEST_TIMEOUT_MS = 60_000;

/**
 * What NestJS 11 leaves unhandled by itself: its Redis transport answers into a connection that it has closed
 * (docs/transports.md).
 */
const OF_NEST_11 = /Connection is closed\.[\s\S]*@nestjs\/microservices\/server\/server-redis\.js/;

/** Rejections that nobody has handled so far: like Jest, one that is handled in the end is none. */
const rejections = new Map();
/** @type {string[]} */
const errors = [];

/** @param {unknown} error */
const describeError = (error) => {
  const test = getState().currentlyRunningTest?.name;
  return `${test === undefined ? 'outside of a test' : `while "${test}" ran`}: ${inspect(error)}`;
};
process.on('unhandledRejection', (error, promise) => {
  const isOfNest = process.env['CACHE_TXN_MATRIX_CELL']?.startsWith('nest11-') && OF_NEST_11.test(inspect(error));
  if (!isOfNest) rejections.set(promise, describeError(error));
});
process.on('rejectionHandled', (promise) => rejections.delete(promise));
process.on('uncaughtException', (error) => errors.push(describeError(error)));
// The matrix is gone, and with this process end the servers that its tests have started.
process.on('disconnect', () => process.exit(1));

const main = async () => {
  getState().testTimeout = TEST_TIMEOUT_MS;
  const [, , ...files] = process.argv;
  for (const file of files) await import(pathToFileURL(file).href);
  const result = await run();
  const tests = result.testResults.map(({ testPath, status, errors }) => {
    /** @type {TestOutcome['status']} */
    const outcome = errors.length > 0 ? 'failed' : status === 'done' ? 'passed' : 'skipped';
    return { title: testPath.slice(1).join(' › '), status: outcome, errors };
  });
  errors.push(...result.unhandledErrors.map(String), ...rejections.values());
  return { tests, errors };
};

main()
  .catch((error) => ({ tests: [], errors: [inspect(error)] }))
  .then((outcome) => process.send?.(outcome, () => process.exit(0)));
