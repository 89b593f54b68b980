/** The model explorer by itself: `npm run model`. */
import { parseArgs } from 'node:util';
import { crossSlotModel } from './cross-slot.js';
import { explore, type Model } from './explore.js';
import { databaseModel } from './database/cache-beside-database.js';
import * as database from './database/scenarios.js';
import * as slots from './scenarios.js';

const HELP = `Explores every order of events of the commit protocol, over several slots and beside a database, of protocols that leave one of its
rules out, and of what others do.

  npm run model -- [options]

  --long        also the scenarios that take minutes
  --only=TEXT   only those whose name contains TEXT
  --help        this text`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const MAX_STATES = 20_000_000;

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  say(HELP);
} else {
  say('Commits over several slots');
  explain(slots, crossSlotModel);
  say('A cache beside a database');
  explain(database, databaseModel);
}

interface Scenarios<S> {
  readonly SHORT: Readonly<Record<string, S>>;
  readonly LONG: Readonly<Record<string, S>>;
  /** What is explored to find something wrong with it. */
  readonly VARIANTS: Readonly<Record<string, S & { readonly because: string }>>;
  readonly OTHERS?: Scenarios<S>['VARIANTS'];
  readonly LIMITS?: Scenarios<S>['VARIANTS'];
}

function explain<S, W>(
  { SHORT, LONG, VARIANTS, OTHERS, LIMITS }: Scenarios<S>,
  modelOf: (scenario: S) => Model<W>,
): void {
  const isWanted = ([name]: readonly [string, unknown]): boolean => name.includes(values.only);
  for (const [name, scenario] of Object.entries({ ...SHORT, ...(values.long && LONG) }).filter(isWanted)) {
    const startedAtMs = performance.now();
    const { states, depth, isComplete, violation } = explore(modelOf(scenario), MAX_STATES);
    const tookS = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    const verdict = violation ? `WRONG: ${violation.what}` : isComplete ? 'holds' : 'too many states';
    say(`${verdict.padEnd(6)} ${name}: ${states.toLocaleString('en')} states, depth ${depth}, ${tookS} s`);
    if (violation) say(violation.trace.map((step) => `         ${step}`).join('\n'));
    if (violation || !isComplete) process.exitCode = 1;
  }
  for (const [name, scenario] of Object.entries({ ...OTHERS, ...VARIANTS, ...LIMITS }).filter(isWanted)) {
    const { states, violation } = explore(modelOf(scenario), MAX_STATES);
    const isFound = violation?.what.includes(scenario.because) === true;
    say(`${isFound ? 'found ' : 'MISSED'} ${name}: ${violation?.what ?? 'nothing'} (${states} states)`);
    if (!isFound) process.exitCode = 1;
  }
}
