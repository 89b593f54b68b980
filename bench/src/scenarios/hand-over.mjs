import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../measure/clock.mjs';
import { startRedisServer } from '../measure/redis-server.mjs';
import { interleavedRounds } from '../measure/rounds.mjs';
import { quantile } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

const NAMES = [OURS, 'redlock', 'redlock tuned', 'redis-semaphore', 'redis-semaphore tuned'];
const WORKER = new URL('./hand-over-worker.mjs', import.meta.url);
/** A round ends after this long, whatever was reached: with its defaults redlock needs a fifth of a second each time. */
const ROUND_MS = 1_500;
const GOALS = { p50: 1, p99: 2.5 };

/**
 * One holds, one waits; the holder releases at a moment that no polling rhythm knows, and the roles change. Measured:
 * from the call of `release` to the first line after the other's `acquire`.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 4, handOvers: 60 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 1, handOvers: 30 });
  const server = await startRedisServer();
  /** @type {{ goals: any[], tables: any[], panels: any[], samples: Record<string, unknown> }} */
  const outcome = { goals: [], tables: [], panels: [], samples: {} };
  try {
    for (const [i, processes] of [1, 2].entries()) {
      const samples = await interleavedRounds({
        ...plan,
        names: NAMES,
        progress: (done, all) => setting.progress(done + i * all, all * 2),
        open: (contender) => openPair(contender, server.port, processes),
        measure: (pair) => handOvers(pair, plan.handOvers),
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
 * @param {number} processes
 */
async function openPair(contender, port, processes) {
  const one = await startWorker(WORKER, { contender, port });
  const other = processes === 1 ? one : await startWorker(WORKER, { contender, port });
  return {
    one,
    other,
    close: async () => {
      await one.close();
      if (other !== one) await other.close();
    },
  };
}

let uses = 0;

/**
 * @param {{ one: import('../measure/worker.mjs').Worker, other: import('../measure/worker.mjs').Worker }} pair
 * @param {number} count
 * @returns {Promise<number[]>} latencies in ms
 */
async function handOvers({ one, other }, count) {
  const name = `hand-over:${(uses += 1)}`;
  const latencies = [];
  let [holder, waiter] = [one, other];
  await holder.call('take', name);
  const endsAtMs = machineMs() + ROUND_MS;
  for (let i = 0; i < count && machineMs() < endsAtMs; i += 1) {
    await waiter.call('wait', name);
    await sleep(1 + Math.random() * 9);
    const resumed = waiter.call('resumed');
    const [releasedAt, resumedAt] = await Promise.all([holder.call('release'), resumed]);
    latencies.push(resumedAt - releasedAt);
    [holder, waiter] = [waiter, holder];
  }
  await holder.call('release');
  return latencies;
}

/**
 * @param {number} processes
 * @param {Map<string, import('../measure/rounds.mjs').Sample<number[]>[]>} samples
 * @param {{ goals: any[], tables: any[], panels: any[] }} outcome
 */
function report(processes, samples, { goals, tables, panels }) {
  const where = processes === 1 ? 'in one process' : 'between two processes';
  const all = (/** @type {string} */ name) => (samples.get(name) ?? []).flatMap(({ measured }) => measured);
  const perRound = (/** @type {string} */ name, /** @type {number} */ q) =>
    (samples.get(name) ?? []).map(({ measured }) => quantile(measured, q));
  const cell = (/** @type {string} */ name, /** @type {number} */ q) => {
    const rounds = perRound(name, q);
    return `${digits(quantile(all(name), q))} (${digits(Math.min(...rounds))} to ${digits(Math.max(...rounds))})`;
  };
  tables.push({
    title: `From release() to the next holder, ${where}`,
    columns: ['', 'p50 ms (rounds, min to max)', 'p99 ms (rounds, min to max)', 'hand-overs'],
    rows: NAMES.map((name) => [name, cell(name, 0.5), cell(name, 0.99), `${all(name).length}`]),
  });
  for (const [quantileName, q] of /** @type {const} */ ([
    ['p50', 0.5],
    ['p99', 0.99],
  ])) {
    const goal = GOALS[quantileName];
    const ours = quantile(all(OURS), q);
    goals.push({
      what: `hand-over ${quantileName}, ${where}`,
      goal: `<= ${goal} ms`,
      figure: `${digits(ours)} ms`,
      isReached: ours <= goal,
    });
    panels.push({
      title: `Hand-over ${quantileName}, ${where}`,
      unit: 'ms',
      bars: NAMES.map((name) => {
        const rounds = perRound(name, q);
        return {
          label: name,
          value: quantile(all(name), q),
          low: quantile(rounds, 0.25),
          high: quantile(rounds, 0.75),
          isOurs: name === OURS,
        };
      }),
      mark: { value: goal, label: `${goal} ms` },
      isLog: true,
    });
  }
}
