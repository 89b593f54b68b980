import { startRedisServer } from '../measure/redis-server.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

/** As our store's connection: without deadlines a call may never settle. */
const SAME_CONNECTION = 'raw, with deadlines';
const NAMES = [OURS, 'raw', SAME_CONNECTION, 'raw, auto-pipelined', 'redlock', 'redis-semaphore'];
const WORKER = new URL('./uncontended-worker.mjs', import.meta.url);
const GOAL = 0.9;
const GOALS = [
  { peer: SAME_CONNECTION, goal: GOAL },
  { peer: 'raw', goal: GOAL },
  { peer: 'redlock', goal: 1 },
  { peer: 'redis-semaphore', goal: 1 },
];

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 7, ms: 300, warmUpPairs: 10_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 150, warmUpPairs: 2_000 });
  const kinds = [
    { title: 'serial', atOnce: 1 },
    { title: '64 at once', atOnce: 64 },
  ];
  const server = await startRedisServer();
  try {
    const samples = await interleavedRounds({
      ...plan,
      names: NAMES,
      progress: setting.progress,
      async open(contender) {
        const worker = await startWorker(WORKER, { contender, port: server.port });
        await worker.call('round', { count: plan.warmUpPairs, atOnce: 16 });
        return worker;
      },
      async measure(worker) {
        const measured = [];
        for (const { atOnce } of kinds) {
          const before = await server.cpuUs();
          const figure = await worker.call('round', { ms: plan.ms, atOnce });
          measured.push({ ...figure, serverCpuUs: ((await server.cpuUs()) - before) / figure.pairs });
        }
        return measured;
      },
    });
    return { ...report(kinds, samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/**
 * @param {{ title: string }[]} kinds
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 */
function report(kinds, samples) {
  const goals = [];
  const tables = [];
  const panels = [];
  for (const [i, { title }] of kinds.entries()) {
    const of = (/** @type {string} */ name, /** @type {string} */ field) =>
      figures(samples, name, (kinds) => kinds[i][field]);
    const rate = (/** @type {string} */ name) => summarize(of(name, 'perSecond'));
    const toRaw = (/** @type {string} */ name) => summarize(ratios(of(name, 'perSecond'), of('raw', 'perSecond')));
    tables.push({
      title: `Pairs per second, ${title}`,
      columns: ['', 'pairs/s (quartiles)', 'of raw (quartiles)', 'client CPU µs/pair', 'server CPU µs/pair'],
      rows: NAMES.map((name) => [
        name,
        spread(rate(name)),
        spread(toRaw(name)),
        digits(summarize(of(name, 'clientCpuUs')).median),
        digits(summarize(of(name, 'serverCpuUs')).median),
      ]),
    });
    panels.push({
      title: `Acquire + release, ${title}`,
      unit: 'of a hand-written SET NX PX and script',
      bars: NAMES.map((name) => ({ ...bar(toRaw(name)), label: name, isOurs: name === OURS })),
      mark: { value: GOAL, label: `${GOAL}` },
    });
    for (const { peer, goal } of GOALS) {
      const part = summarize(ratios(of(OURS, 'perSecond'), of(peer, 'perSecond'))).median;
      const what = `acquire + release, ${title}, of ${peer}`;
      goals.push({ what, goal: `>= ${goal}`, figure: digits(part), isReached: part >= goal });
    }
  }
  return { goals, tables, panels };
}

/** @param {import('../measure/statistics.mjs').Summary} summary */
function bar({ median, low, high }) {
  return { value: median, low, high };
}
