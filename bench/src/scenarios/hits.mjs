import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { isOurs } from './scenario.mjs';

const WORKER = new URL('./hits-worker.mjs', import.meta.url);

/**
 * How many at a time, and how many between two looks at the clock.
 *
 * @typedef {{ title: string, atOnce: number, perLook: number }} Kind
 * @typedef {{ hits: number, perSecond: number, clientCpuUs: number, serverCpuUs: number, commands: number }} Hits
 * @typedef {Map<string, import('../measure/rounds.mjs').Sample<Hits[]>[]>} Samples one of each kind
 */

/**
 * Reads of what is there.
 *
 * @param {{
 *   plan: { repeats: number, warmups: number, rounds: number, ms: number, warmUpHits: number },
 *   names: readonly string[], kinds: readonly Kind[], progress: (done: number, all: number) => void,
 *   server: Awaited<ReturnType<typeof import('../measure/redis-server.mjs').startRedisServer>>,
 * }} what
 * @returns {Promise<Samples>}
 */
export function measureHits({ plan, names, kinds, progress, server }) {
  return interleavedRounds({
    ...plan,
    names,
    progress,
    async open(contender) {
      const worker = await startWorker(WORKER, { contender, port: server.port });
      await worker.call('round', { count: plan.warmUpHits, atOnce: 16 });
      return worker;
    },
    async measure(worker) {
      const measured = [];
      for (const { atOnce, perLook } of kinds) {
        const [cpuUs, commands] = [await server.cpuUs(), await server.commands()];
        const figure = await worker.call('round', { ms: plan.ms, atOnce, perLook });
        const serverCpuUs = ((await server.cpuUs()) - cpuUs) / figure.hits;
        measured.push({ ...figure, serverCpuUs, commands: (await server.commands()) - commands });
      }
      return measured;
    },
  });
}

/**
 * One figure of one kind, in the order of the rounds.
 *
 * @param {Samples} samples
 * @param {string} name
 * @param {number} kind
 * @param {keyof Hits} field
 */
export function hitFigures(samples, name, kind, field) {
  return figures(samples, name, (kinds) => kinds[kind]?.[field] ?? NaN);
}

/**
 * Hits per second, of another contender's.
 *
 * @param {Samples} samples
 * @param {number} kind
 */
export function partsOf(samples, kind) {
  const rates = (/** @type {string} */ name) => hitFigures(samples, name, kind, 'perSecond');
  return (/** @type {string} */ name, /** @type {string} */ base) => summarize(ratios(rates(name), rates(base)));
}

/**
 * @param {{ title: string, samples: Samples, kind: number, base: string, note?: string | undefined }} what
 * @returns {import('./scenario.mjs').Table}
 */
export function hitsTable({ title, samples, kind, base, note }) {
  const of = (/** @type {string} */ name, /** @type {keyof Hits} */ field) =>
    summarize(hitFigures(samples, name, kind, field));
  const part = partsOf(samples, kind);
  return {
    title,
    columns: ['', 'hits/s (quartiles)', `of ${base} (quartiles)`, 'client CPU µs/hit', 'server CPU µs/hit'],
    rows: [...samples.keys()].map((name) => [
      name,
      spread(of(name, 'perSecond')),
      spread(part(name, base)),
      digits(of(name, 'clientCpuUs').median),
      digits(of(name, 'serverCpuUs').median),
    ]),
    ...(note !== undefined && { note }),
  };
}

/**
 * @param {{ title: string, samples: Samples, kind: number, base: string, goal?: number, isLog?: boolean }} what
 * @returns {import('./scenario.mjs').Panel}
 */
export function hitsPanel({ title, samples, kind, base, goal, isLog = false }) {
  const part = partsOf(samples, kind);
  return {
    title,
    unit: `hits per second, of ${base}`,
    bars: [...samples.keys()].map((name) => {
      const { median, low, high } = part(name, base);
      return { label: name, value: median, low, high, isOurs: isOurs(name) };
    }),
    ...(goal !== undefined && { mark: { value: goal, label: `${goal}` } }),
    isLog,
  };
}
