/** The model explorer by itself: `npm run model`. */
import { parseArgs } from 'node:util';
import { crossSlotModel } from './cross-slot.js';
import { explore } from './explore.js';
import { LONG, SHORT, VARIANTS } from './scenarios.js';

const HELP = `Explores every order of events of the commit protocol, and of protocols that leave one of its rules out.

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
  const isWanted = ([name]: readonly [string, unknown]): boolean => name.includes(values.only);
  for (const [name, scenario] of Object.entries({ ...SHORT, ...(values.long && LONG) }).filter(isWanted)) {
    const startedAtMs = performance.now();
    const { states, depth, isComplete, violation } = explore(crossSlotModel(scenario), MAX_STATES);
    const tookS = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    const verdict = violation ? `WRONG: ${violation.what}` : isComplete ? 'holds' : 'too many states';
    say(`${verdict.padEnd(6)} ${name}: ${states.toLocaleString('en')} states, depth ${depth}, ${tookS} s`);
    if (violation) say(violation.trace.map((step) => `         ${step}`).join('\n'));
    if (violation || !isComplete) process.exitCode = 1;
  }
  for (const [name, { because, ...scenario }] of Object.entries(VARIANTS).filter(isWanted)) {
    const { states, violation } = explore(crossSlotModel(scenario), MAX_STATES);
    const isFound = violation?.what.includes(because) === true;
    say(`${isFound ? 'found ' : 'MISSED'} ${name}: ${violation?.what ?? 'nothing'} (${states} states)`);
    if (!isFound) process.exitCode = 1;
  }
}
