import { machineMs } from '../measure/clock.mjs';
import { startRedisServer } from '../measure/redis-server.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { isOurs, OURS, planOf } from './scenario.mjs';

const NAMES = [OURS, 'bentocache', 'bentocache, two tiers', 'cache-manager'];
const WORKER = new URL('./stampede-worker.mjs', import.meta.url);
const PROCESSES = 5;
const CALLS = 100;
const LOAD_MS = 100;
/** For a call to reach every process. */
const HEAD_START_MS = 50;

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 2, warmups: 1, rounds: 8 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3 });
  const server = await startRedisServer();
  try {
    const samples = await interleavedRounds({
      ...plan,
      names: NAMES,
      progress: setting.progress,
      open: (contender) => openWorkers(contender, server.port),
      measure: ({ workers }) => rush(workers),
    });
    return { ...report(samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/**
 * @param {string} contender
 * @param {number} port
 */
async function openWorkers(contender, port) {
  const start = () => startWorker(WORKER, { contender, port });
  const workers = await Promise.all(Array.from({ length: PROCESSES }, start));
  return {
    workers,
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

let uses = 0;

/** @param {import('../measure/worker.mjs').Worker[]} workers */
async function rush(workers) {
  const key = `rush:${(uses += 1)}`;
  const atMs = machineMs() + HEAD_START_MS;
  const all = await Promise.all(
    workers.map((worker) => worker.call('rush', { key, calls: CALLS, loadMs: LOAD_MS, atMs })),
  );
  return {
    loads: all.reduce((sum, { loads }) => sum + loads, 0),
    tookMs: Math.max(...all.map(({ tookMs }) => tookMs)),
  };
}

/** @param {Map<string, import('../measure/rounds.mjs').Sample<{ loads: number, tookMs: number }>[]>} samples */
function report(samples) {
  const loads = (/** @type {string} */ name) => summarize(figures(samples, name, (one) => one.loads));
  const tookMs = (/** @type {string} */ name) => summarize(figures(samples, name, (one) => one.tookMs));
  const { max, count } = loads(OURS);
  const title = `${PROCESSES} processes x ${CALLS} calls for one missing value, a load of ${LOAD_MS} ms`;
  return {
    goals: [
      {
        what: `loads of one missing value, ${PROCESSES} processes x ${CALLS} calls`,
        goal: '1 each time',
        figure: `${max} at most in ${count} rounds`,
        isReached: max === 1,
      },
    ],
    tables: [
      {
        title,
        columns: ['', 'loads', 'most in a round', 'until all have it, ms (quartiles)'],
        rows: NAMES.map((name) => [name, digits(loads(name).median), `${loads(name).max}`, spread(tookMs(name))]),
      },
    ],
    panels: [
      {
        title,
        unit: 'loads',
        bars: NAMES.map((name) => {
          const { median, low, high } = loads(name);
          return { label: name, value: median, low, high, isOurs: isOurs(name) };
        }),
        mark: { value: 1, label: '1' },
      },
    ],
  };
}
