import { UsageError } from '../command-line.mjs';

/**
 * What a scenario gives to the report, which knows nothing of the scenarios themselves.
 *
 * @typedef {{ what: string, goal: string, figure: string, isReached: boolean }} Goal
 * @typedef {{ title: string, columns: string[], rows: string[][], note?: string }} Table
 * @typedef {{ label: string, value: number, low: number, high: number, isOurs: boolean }} Bar
 * @typedef {{ title: string, unit: string, bars: Bar[], mark?: { value: number, label: string }, isLog?: boolean }} Panel
 * @typedef {{ goals: Goal[], tables: Table[], panels: Panel[], samples: unknown }} Outcome
 *
 * @typedef {{ isQuick: boolean, rounds: number | undefined, progress: (done: number, all: number) => void }} Setting
 * @typedef {{ name: string, title: string, run: (setting: Setting) => Promise<Outcome> }} Scenario
 */

/** In the order of the report. Loaded by name: listing them needs nothing installed. */
export const SCENARIOS = Object.freeze({
  uncontended: 'acquire and release without contention',
  queue: '50 waiters for one lock',
  'hand-over': 'from a release to the next holder',
  frozen: 'when a holder of a lock hears that Redis is frozen',
  transactions: 'two reads and two writes, 16 at once',
  'near-hits': 'a cached value that this process has',
  'redis-hits': 'a cached value that Redis has',
  'many-keys': '100 cached values in one call',
  'cache-round-trips': 'round trips of reads, loads and a transaction',
  stampede: 'five processes that all want one missing value',
  invalidation: 'from a write to the process that has the old value in memory',
  slots: 'one commit over several cluster slots',
  'hot-slots': 'two reads and two writes over three masters, 16 at once',
  recovery: 'what a killed process has left in several slots',
  database: 'a row of PostgreSQL and its cached entries',
  decorators: 'decorated HTTP methods that do nothing',
  resources: 'memory and CPU',
});

/**
 * Its title.
 *
 * @param {string} name
 * @throws UsageError when there is none of that name
 */
export function titleOf(name) {
  const title = /** @type {Record<string, string>} */ (SCENARIOS)[name];
  if (title === undefined) throw new UsageError(`no scenario is named ${name}; --list names them`);
  return title;
}

/**
 * @param {string} name
 * @returns {Promise<Scenario>}
 */
export async function loadScenario(name) {
  const title = titleOf(name);
  const { run } = await import(new URL(`${name}.mjs`, import.meta.url).href);
  return { name, title, run };
}

export const OURS = 'nestjs-cache-txn';

/** Whether a contender is this library, with whatever settings. @param {string} name */
export function isOurs(name) {
  return name === OURS || name.startsWith(`${OURS}, `);
}

/**
 * The numbers of a plan: a full run's, a quick run's, and what the command line asks for.
 *
 * @template {{ repeats: number, warmups: number, rounds: number }} P
 * @param {Setting} setting
 * @param {P} full
 * @param {Partial<P>} quick
 * @returns {P}
 */
export function planOf({ isQuick, rounds }, full, quick) {
  return { ...full, ...(isQuick ? quick : {}), ...(rounds === undefined ? {} : { rounds }) };
}
