import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS } from './scenario.mjs';

/**
 * What the scenarios that transfer between accounts have in common: their rounds, their table and their drawing.
 *
 * @typedef {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} Samples
 */

const WORKER = new URL('./transfers-worker.mjs', import.meta.url);

export const AT_ONCE = 16;

/**
 * Transfers of every contender between `keys` accounts, whose sum is checked after every repeat.
 *
 * @param {{
 *   names: readonly string[], keys: number, where: import('../peers/transactions/transactions.mjs').Where,
 *   plan: { repeats: number, warmups: number, rounds: number, ms: number, warmUpCommits: number },
 *   cpuUs: () => Promise<number>, progress: (done: number, all: number) => void,
 * }} load
 * @returns {Promise<Samples>}
 */
export function measureTransfers({ names, keys, where, plan, cpuUs, progress }) {
  return interleavedRounds({
    ...plan,
    names,
    progress,
    async open(contender) {
      const worker = await startWorker(WORKER, { contender, ...where, keys, atOnce: AT_ONCE });
      await worker.call('fill');
      await worker.call('round', { count: plan.warmUpCommits });
      return {
        worker,
        close: async () => {
          await worker.call('check');
          await worker.close();
        },
      };
    },
    async measure({ worker }) {
      const before = await cpuUs();
      const figure = await worker.call('round', { ms: plan.ms });
      return { ...figure, serverCpuUs: ((await cpuUs()) - before) / figure.commits };
    },
  });
}

/**
 * The throughput of one contender as a part of another's, round by round.
 *
 * @param {Samples} samples
 * @param {string} name
 * @param {string} base
 */
export function partOf(samples, name, base) {
  const perSecond = (/** @type {string} */ each) => figures(samples, each, (one) => one.perSecond);
  return summarize(ratios(perSecond(name), perSecond(base)));
}

/**
 * @param {{
 *   title: string, samples: Samples, base: string, baseTitle: string, note?: string,
 *   extra?: { title: string, of: (name: string) => string },
 * }} what `extra`: a column of its own after the latencies
 * @returns {import('./scenario.mjs').Table}
 */
export function transfersTable({ title, samples, base, baseTitle, note = '', extra }) {
  const of = (/** @type {string} */ name, /** @type {string} */ field) => figures(samples, name, (one) => one[field]);
  const middle = (/** @type {string} */ name, /** @type {string} */ field) => digits(summarize(of(name, field)).median);
  return {
    title,
    columns: [
      '',
      'commits/s (quartiles)',
      `of ${baseTitle} (quartiles)`,
      'attempts/commit',
      'p50 ms',
      'p99 ms',
      ...(extra ? [extra.title] : []),
      'client CPU µs',
      'server CPU µs',
    ],
    rows: [...samples.keys()].map((name) => [
      name,
      spread(summarize(of(name, 'perSecond'))),
      spread(partOf(samples, name, base)),
      ...['attempts', 'p50Ms', 'p99Ms'].map((field) => middle(name, field)),
      ...(extra ? [extra.of(name)] : []),
      ...['clientCpuUs', 'serverCpuUs'].map((field) => middle(name, field)),
    ]),
    note: `${note}CPU is per commit, attempts that conflicted included. The sum of all balances was checked after every repeat.`,
  };
}

/**
 * @param {string} title
 * @param {Samples} samples
 * @returns {import('./scenario.mjs').Panel}
 */
export function transfersPanel(title, samples) {
  return {
    title,
    unit: 'commits per second',
    bars: [...samples.keys()].map((name) => {
      const { median, low, high } = summarize(figures(samples, name, (one) => one.perSecond));
      return { label: name, value: median, low, high, isOurs: name === OURS };
    }),
  };
}
