import { startRedisServer } from '../measure/redis-server.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

const NAMES = [OURS, 'redlock', 'redlock tuned', 'redis-semaphore', 'redis-semaphore tuned'];
const WORKER = new URL('./queue-worker.mjs', import.meta.url);
const WAITERS = 50;
const HOLD_MS = 5;
const GOAL = 1.15;

/**
 * A first holder blocks the name while the waiters queue one after the other, so that their order is known; the clock
 * runs from its release to the end of the last waiter's. The ideal is the sum of the holds as they really were.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const plan = planOf(setting, { repeats: 2, warmups: 1, rounds: 6 }, { repeats: 1, warmups: 0, rounds: 2 });
  const server = await startRedisServer();
  /** @type {{ goals: any[], tables: any[], panels: any[], samples: Record<string, unknown> }} */
  const outcome = { goals: [], tables: [], panels: [], samples: {} };
  try {
    for (const [i, processes] of [1, 4].entries()) {
      const samples = await interleavedRounds({
        ...plan,
        names: NAMES,
        progress: (done, all) => setting.progress(done + i * all, all * 2),
        open: (contender) => openWorkers(contender, server.port, processes),
        measure: ({ workers }) => oneQueue(workers),
      });
      report(processes, samples, outcome);
      outcome.samples[`${processes}`] = Object.fromEntries(samples);
    }
    return outcome;
  } finally {
    await server.stop();
  }
}

/**
 * @param {string} contender
 * @param {number} port
 * @param {number} count
 */
async function openWorkers(contender, port, count) {
  const workers = await Promise.all(Array.from({ length: count }, () => startWorker(WORKER, { contender, port })));
  return {
    workers,
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

let uses = 0;

/** @param {import('../measure/worker.mjs').Worker[]} workers */
async function oneQueue(workers) {
  const name = `queue:${(uses += 1)}`;
  const [first] = workers;
  await first?.call('block', name);
  for (let place = 0; place < WAITERS; place += 1) {
    await workers[place % workers.length]?.call('enqueue', name, place, HOLD_MS);
  }
  const startedAt = await first?.call('unblock');
  const served = (await Promise.all(workers.map((worker) => worker.call('finish')))).flat();
  served.sort((a, b) => a.grantedAt - b.grantedAt);
  const idealMs = served.reduce((sum, { grantedAt, releasedAt }) => sum + releasedAt - grantedAt, 0);
  const totalMs = Math.max(...served.map(({ doneAt }) => doneAt)) - startedAt;
  const overlaps = served.filter(({ grantedAt }, i) => i > 0 && grantedAt < served[i - 1].releasedAt).length;
  if (overlaps > 0) throw new Error(`${overlaps} holders of ${name} overlap`);
  return {
    totalMs,
    idealMs,
    ofIdeal: totalMs / idealMs,
    outOfPlace: served.filter(({ place }, i) => place !== i).length,
    longestWaitMs: served[served.length - 1].grantedAt - startedAt,
  };
}

/**
 * @param {number} processes
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 * @param {{ goals: any[], tables: any[], panels: any[] }} outcome
 */
function report(processes, samples, { goals, tables, panels }) {
  const where = processes === 1 ? 'in one process' : `over ${processes} processes`;
  const of = (/** @type {string} */ name, /** @type {string} */ field) => figures(samples, name, (one) => one[field]);
  const ofIdeal = (/** @type {string} */ name) => summarize(of(name, 'ofIdeal'));
  const worstOrder = (/** @type {string} */ name) => Math.max(...of(name, 'outOfPlace'));
  tables.push({
    title: `${WAITERS} waiters x ${HOLD_MS} ms on one lock, ${where}`,
    columns: ['', 'total / sum of holds (quartiles)', 'total ms', 'waiters out of place, most in a round'],
    rows: NAMES.map((name) => [
      name,
      spread(ofIdeal(name)),
      digits(summarize(of(name, 'totalMs')).median),
      `${worstOrder(name)}`,
    ]),
  });
  panels.push({
    title: `${WAITERS} waiters x ${HOLD_MS} ms, ${where}`,
    unit: 'total time / sum of the holds',
    bars: NAMES.map((name) => {
      const { median, low, high } = ofIdeal(name);
      return { label: name, value: median, low, high, isOurs: name === OURS };
    }),
    mark: { value: GOAL, label: `${GOAL}` },
    isLog: true,
  });
  const { median } = ofIdeal(OURS);
  goals.push(
    {
      what: `${WAITERS} waiters, ${where}, of the ideal`,
      goal: `<= ${GOAL}`,
      figure: digits(median),
      isReached: median <= GOAL,
    },
    {
      what: `strict FIFO, ${where}`,
      goal: '0 out of place',
      figure: `${worstOrder(OURS)} in ${of(OURS, 'outOfPlace').length} rounds`,
      isReached: worstOrder(OURS) === 0,
    },
  );
}
