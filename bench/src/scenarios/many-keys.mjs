import { startRedisServer } from '../measure/redis-server.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { isOurs, OURS, planOf } from './scenario.mjs';

const NAMES = [OURS, 'raw', 'bentocache', 'cache-manager'];
const WORKER = new URL('./many-keys-worker.mjs', import.meta.url);
const KEYS = 100;
const GOAL = 10;

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 5, ms: 300 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 150 });
  const server = await startRedisServer();
  try {
    const samples = await interleavedRounds({
      ...plan,
      names: NAMES,
      progress: setting.progress,
      open: (contender) => startWorker(WORKER, { contender, port: server.port, keys: KEYS }),
      measure: (worker) => worker.call('round', plan.ms),
    });
    return { ...report(samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/** @param {Map<string, import('../measure/rounds.mjs').Sample<{ inOneCallMs: number, oneByOneMs: number }>[]>} samples */
function report(samples) {
  const of = (/** @type {string} */ name, /** @type {'inOneCallMs' | 'oneByOneMs'} */ field) =>
    summarize(figures(samples, name, (one) => one[field]));
  const faster = (/** @type {string} */ name) =>
    summarize(figures(samples, name, ({ inOneCallMs, oneByOneMs }) => oneByOneMs / inOneCallMs));
  const { median } = faster(OURS);
  return {
    goals: [
      {
        what: `${KEYS} keys in one getOrLoadMany, as fast as ${KEYS} single ones`,
        goal: `>= ${GOAL} times`,
        figure: digits(median),
        isReached: median >= GOAL,
      },
    ],
    tables: [
      {
        title: `${KEYS} keys that Redis has`,
        columns: [
          '',
          'in one call, ms (quartiles)',
          'one after the other, ms (quartiles)',
          'times as fast (quartiles)',
        ],
        rows: NAMES.map((name) => [
          name,
          spread(of(name, 'inOneCallMs')),
          spread(of(name, 'oneByOneMs')),
          spread(faster(name)),
        ]),
        note: 'bentocache has no call for many: all at once there.',
      },
    ],
    panels: [
      {
        title: `${KEYS} keys in one call`,
        unit: 'times as fast as one after the other',
        bars: NAMES.map((name) => {
          const { median, low, high } = faster(name);
          return { label: name, value: median, low, high, isOurs: isOurs(name) };
        }),
        mark: { value: GOAL, label: `${GOAL}` },
      },
    ],
  };
}
