import { startRedisServer } from '../measure/redis-server.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

const SCRIPT = 'Lua compare-and-set';
const NAMES = [OURS, SCRIPT, 'WATCH/MULTI', 'redlock + MULTI'];
const WORKER = new URL('./transactions-worker.mjs', import.meta.url);
const AT_ONCE = 16;
const KINDS = [
  { keys: 10_000, title: 'over 10,000 keys', goals: [{ peer: SCRIPT, goal: 0.85 }] },
  {
    keys: 20,
    title: 'over 20 hot keys',
    goals: [
      { peer: SCRIPT, goal: 0.85 },
      { peer: 'WATCH/MULTI', goal: 1.5 },
      { peer: 'redlock + MULTI', goal: 2 },
    ],
  },
];

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 6, ms: 500, warmUpCommits: 5_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 200, warmUpCommits: 500 });
  /** @type {{ goals: any[], tables: any[], panels: any[], samples: Record<string, unknown> }} */
  const outcome = { goals: [], tables: [], panels: [], samples: {} };
  for (const [i, kind] of KINDS.entries()) {
    const server = await startRedisServer();
    try {
      const samples = await interleavedRounds({
        ...plan,
        names: NAMES,
        progress: (done, all) => setting.progress(done + i * all, all * KINDS.length),
        async open(contender) {
          const worker = await startWorker(WORKER, { contender, port: server.port, keys: kind.keys, atOnce: AT_ONCE });
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
          const before = await server.cpuUs();
          const figure = await worker.call('round', { ms: plan.ms });
          return { ...figure, serverCpuUs: ((await server.cpuUs()) - before) / figure.commits };
        },
      });
      report(kind, samples, outcome);
      outcome.samples[kind.keys] = Object.fromEntries(samples);
    } finally {
      await server.stop();
    }
  }
  return outcome;
}

/**
 * @param {typeof KINDS[number]} kind
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 * @param {{ goals: any[], tables: any[], panels: any[] }} outcome
 */
function report({ title, goals: wanted }, samples, { goals, tables, panels }) {
  const of = (/** @type {string} */ name, /** @type {string} */ field) => figures(samples, name, (one) => one[field]);
  const part = (/** @type {string} */ name, /** @type {string} */ base) =>
    summarize(ratios(of(name, 'perSecond'), of(base, 'perSecond')));
  const middle = (/** @type {string} */ name, /** @type {string} */ field) => digits(summarize(of(name, field)).median);
  tables.push({
    title: `2 reads + 2 writes, ${AT_ONCE} at once, ${title}`,
    columns: [
      '',
      'commits/s (quartiles)',
      'of the script (quartiles)',
      'attempts/commit',
      'p50 ms',
      'p99 ms',
      'client CPU µs',
      'server CPU µs',
    ],
    rows: NAMES.map((name) => [
      name,
      spread(summarize(of(name, 'perSecond'))),
      spread(part(name, SCRIPT)),
      ...['attempts', 'p50Ms', 'p99Ms', 'clientCpuUs', 'serverCpuUs'].map((field) => middle(name, field)),
    ]),
    note: 'CPU is per commit, attempts that conflicted included. The sum of all balances was checked after every repeat.',
  });
  panels.push({
    title: `2 reads + 2 writes, ${AT_ONCE} at once, ${title}`,
    unit: 'commits per second',
    bars: NAMES.map((name) => {
      const { median, low, high } = summarize(of(name, 'perSecond'));
      return { label: name, value: median, low, high, isOurs: name === OURS };
    }),
  });
  for (const { peer, goal } of wanted) {
    const { median } = part(OURS, peer);
    goals.push({
      what: `2 reads + 2 writes ${title}, of ${peer}`,
      goal: `>= ${goal}`,
      figure: digits(median),
      isReached: median >= goal,
    });
  }
}
