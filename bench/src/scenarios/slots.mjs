import { startRedisCluster } from '../measure/redis-cluster.mjs';
import { commandsDuring, sumOf } from '../measure/round-trips.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

const WORKER = new URL('./slots-worker.mjs', import.meta.url);
const SCRIPTS = 'a script for each slot';
const REDLOCK = 'redlock + SET';
/** The floor of every commit that asks all slots before it decides. */
const FLOOR = 'two turns of nothing';
const CONTENDERS = [
  { contender: 'SET', slots: 1 },
  ...[1, 2, 8].map((slots) => ({ contender: OURS, slots })),
  ...[2, 8].flatMap((slots) => [FLOOR, 'SET', SCRIPTS, REDLOCK].map((contender) => ({ contender, slots }))),
];
const BASELINE = nameOf({ contender: 'SET', slots: 1 });
const GOALS = [
  { slots: 2, goal: 2.3 },
  { slots: 8, goal: 3.5 },
];
/** Writes whose commands are counted. */
const COUNTED = 50;

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 2, warmups: 1, rounds: 9, count: 500, warmUpWrites: 2_500 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 5, count: 300, warmUpWrites: 1_500 });
  const cluster = await startRedisCluster();
  /** @type {Map<string, number>} */
  const commands = new Map();
  try {
    const samples = await interleavedRounds({
      ...plan,
      names: CONTENDERS.map(nameOf),
      progress: setting.progress,
      async open(name) {
        const contender = CONTENDERS.find((one) => nameOf(one) === name);
        const worker = await startWorker(WORKER, { ...contender, nodes: cluster.nodes });
        await worker.call('round', { count: plan.warmUpWrites });
        if (!commands.has(name)) {
          const counts = await commandsDuring(
            cluster.servers.map(({ client }) => client),
            () => worker.call('round', { count: COUNTED }),
          );
          commands.set(name, Math.round(sumOf(counts) / COUNTED));
        }
        return worker;
      },
      async measure(worker) {
        const before = await cluster.cpuUs();
        const figure = await worker.call('round', { count: plan.count });
        return { ...figure, serverCpuUs: ((await cluster.cpuUs()) - before) / plan.count };
      },
    });
    return report(samples, commands);
  } finally {
    await cluster.stop();
  }
}

/** @param {{ contender: string, slots: number }} contender */
function nameOf({ contender, slots }) {
  return `${contender}, ${slots} ${slots === 1 ? 'slot' : 'slots'}`;
}

/**
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 * @param {Map<string, number>} commands
 */
function report(samples, commands) {
  const of = (/** @type {string} */ name, /** @type {string} */ field) => figures(samples, name, (one) => one[field]);
  const part = (/** @type {string} */ name) => summarize(ratios(of(name, 'p50Ms'), of(BASELINE, 'p50Ms')));
  const middle = (/** @type {string} */ name, /** @type {string} */ field) => digits(summarize(of(name, field)).median);
  const names = CONTENDERS.map(nameOf);
  return {
    goals: GOALS.map(({ slots, goal }) => {
      const { median } = part(nameOf({ contender: OURS, slots }));
      return {
        what: `commit over ${slots} slots of three masters, p50, of a single SET`,
        goal: `<= ${goal}`,
        figure: digits(median),
        isReached: median <= goal,
      };
    }),
    tables: [
      {
        title: 'Writes to slots of three masters, one after the other',
        columns: [
          '',
          'p50 ms (quartiles)',
          'of one SET (quartiles)',
          'p99 ms',
          'client CPU µs',
          'server CPU µs',
          'commands',
        ],
        rows: names.map((name) => [
          name,
          spread(summarize(of(name, 'p50Ms'))),
          spread(part(name)),
          ...['p99Ms', 'clientCpuUs', 'serverCpuUs'].map((field) => middle(name, field)),
          String(commands.get(name) ?? ''),
        ]),
        note: 'All or nothing are only those of nestjs-cache-txn. CPU and commands are per call, with what follows the answer.',
      },
    ],
    panels: [
      {
        title: 'Writes to slots of three masters, p50',
        unit: 'times a single SET',
        bars: names.map((name) => {
          const { median, low, high } = part(name);
          return { label: name, value: median, low, high, isOurs: name.startsWith(OURS) };
        }),
      },
    ],
    samples: Object.fromEntries(samples),
  };
}
