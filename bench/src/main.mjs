import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, parseCommandLine, UsageError } from './command-line.mjs';
import { build, install } from './install.mjs';
import { describeMachine } from './report/machine.mjs';
import { replaceBetween, resultsAsMarkdown } from './report/readme.mjs';
import { goalsAsText, scenarioAsText, writeResults } from './report/results.mjs';
import { titleOf, loadScenario, SCENARIOS } from './scenarios/scenario.mjs';

const bench = fileURLToPath(new URL('..', import.meta.url));
const MEASURED = [
  'nestjs-cache-txn',
  'ioredis',
  'redlock',
  'redis-semaphore',
  'bentocache',
  'cache-manager',
  'keyv',
  '@keyv/redis',
  '@redis/client',
  'pg',
  'autocannon',
  '@nestjs/core',
];

/** @param {import('./command-line.mjs').CommandLine} options */
async function measure({ only, quick, rounds, out, library }) {
  const names = only.length > 0 ? only : Object.keys(SCENARIOS);
  const isFull = !quick && only.length === 0 && library === undefined;
  for (const name of names) titleOf(name);
  const libraryFolder = resolve(library ?? join(bench, '..'));
  if (library === undefined) {
    say('building this checkout: npm run build');
    build(libraryFolder);
  }
  if (!existsSync(join(libraryFolder, 'dist/index.js')))
    throw new Error(`the library is not built: npm run build in ${libraryFolder}`);
  say('installing');
  install(bench, libraryFolder);

  const machine = describeMachine();
  const startedMs = Date.now();
  const scenarios = [];
  for (const name of names) {
    const scenario = await loadScenario(name);
    const scenarioMs = Date.now();
    const outcome = await scenario.run({
      isQuick: quick,
      rounds,
      progress: (done, all) => say(`${name} ${Math.floor((done / all) * 100)} %`),
    });
    const tookSeconds = Math.round((Date.now() - scenarioMs) / 1_000);
    const result = { name, title: scenario.title, tookSeconds, ...outcome };
    scenarios.push(result);
    say('');
    console.log(scenarioAsText(result));
  }
  const results = {
    measuredAt: new Date(startedMs).toISOString(),
    tookMinutes: Math.round((Date.now() - startedMs) / 6_000) / 10,
    isQuick: quick,
    machine,
    versions: Object.fromEntries(MEASURED.map((name) => [name, versionOf(name)])),
    scenarios,
  };
  const folder = resolve(out ?? (isFull ? bench : join(bench, 'out')));
  writeResults(folder, results);
  if (isFull) {
    const readme = join(bench, 'README.md');
    writeFileSync(readme, replaceBetween(readFileSync(readme, 'utf8'), 'results', resultsAsMarkdown(results)));
  }
  console.log(`\n== Goals\n\n${goalsAsText(scenarios.flatMap(({ goals }) => goals))}`);
  console.log(`\n${results.tookMinutes} minutes; results.json and chart.svg are in ${folder}`);
}

/** @param {string} name */
function versionOf(name) {
  const require = createRequire(import.meta.url);
  const folder = require.resolve.paths(name)?.find((path) => existsSync(join(path, name, 'package.json')));
  return folder === undefined
    ? 'unknown'
    : JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version;
}

let lastSaid = '';
/**
 * A line of progress, which the next one overwrites in a terminal.
 *
 * @param {string} line
 */
function say(line) {
  if (line === lastSaid) return;
  lastSaid = line;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line !== '' && /(^\D+$| (25|50|75|100) %$)/.test(line)) process.stderr.write(`${line}\n`);
}

try {
  const options = parseCommandLine(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else if (options.list)
    for (const [name, title] of Object.entries(SCENARIOS)) console.log(`${name.padEnd(18)}${title}`);
  else await measure(options);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${HELP}` : error);
  process.exitCode = 1;
}
