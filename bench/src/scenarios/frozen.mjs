import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../measure/clock.mjs';
import { startRedisServer } from '../measure/redis-server.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits } from '../report/format.mjs';
import { OURS } from './scenario.mjs';

const NAMES = [OURS, 'redlock', 'redis-semaphore'];
const WORKER = new URL('./frozen-worker.mjs', import.meta.url);
/** After the server has come back, for a holder that hears of it only then. */
const AFTERWARDS_MS = 2_000;

/**
 * Stops a server (SIGSTOP) while its lock is held and kept alive, and lets it go on later. A server for each contender,
 * all frozen at the same time; in every repeat at another moment between two renewals.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run({ isQuick, progress }) {
  const { leaseMs, frozenMs, phases } = isQuick
    ? { leaseMs: 1_000, frozenMs: 3_000, phases: [0.2] }
    : { leaseMs: 2_000, frozenMs: 8_000, phases: [0.15, 0.45, 0.95] };
  /** @type {Record<string, (number | undefined)[]>} */
  const told = Object.fromEntries(NAMES.map((name) => [name, []]));
  for (const [i, phase] of phases.entries()) {
    const margins = await Promise.all(NAMES.map((name) => freeze(name, leaseMs, frozenMs, phase * leaseMs)));
    NAMES.forEach((name, n) => told[name]?.push(margins[n]));
    progress(i + 1, phases.length);
  }
  return report(told, leaseMs, frozenMs);
}

/**
 * @param {string} contender
 * @param {number} leaseMs
 * @param {number} frozenMs
 * @param {number} afterMs from the acquire to the freeze
 * @returns {Promise<number | undefined>} ms between the lease's end at the server and the holder's signal; undefined: never told
 */
async function freeze(contender, leaseMs, frozenMs, afterMs) {
  const server = await startRedisServer();
  try {
    const worker = await startWorker(WORKER, { contender, port: server.port });
    await worker.call('hold', 'frozen', leaseMs);
    await sleep(afterMs);
    const leaseEndsAt = await worker.call('leaseEndsAt', 'frozen');
    server.pause();
    const resumesAt = machineMs() + frozenMs;
    await sleep(frozenMs);
    server.resume();
    let toldAt = await worker.call('toldAt');
    while (toldAt === undefined && machineMs() < resumesAt + AFTERWARDS_MS) {
      await sleep(20);
      toldAt = await worker.call('toldAt');
    }
    await worker.close();
    return toldAt === undefined ? undefined : toldAt - leaseEndsAt;
  } finally {
    await server.stop();
  }
}

/**
 * @param {Record<string, (number | undefined)[]>} told
 * @param {number} leaseMs
 * @param {number} frozenMs
 */
function report(told, leaseMs, frozenMs) {
  const words = (/** @type {number | undefined} */ ms) =>
    ms === undefined ? 'never' : `${digits(Math.abs(ms))} ms ${ms < 0 ? 'before' : 'after'}`;
  const ours = told[OURS] ?? [];
  const latest = Math.max(...ours.map((ms) => ms ?? Infinity));
  return {
    goals: [
      {
        what: `Redis frozen ${frozenMs / 1_000} s, lease ${leaseMs / 1_000} s: signal and end of the lease`,
        goal: 'always before',
        figure: words(Number.isFinite(latest) ? latest : undefined),
        isReached: latest < 0,
      },
    ],
    tables: [
      {
        title: `Redis frozen ${frozenMs / 1_000} s under a ${leaseMs / 1_000} s lease: when the holder hears, seen from the lease's end at the server`,
        columns: ['', ...ours.map((_, i) => `freeze ${i + 1}`)],
        rows: Object.entries(told).map(([name, margins]) => [name, ...margins.map(words)]),
      },
    ],
    panels: [
      {
        title: 'Redis frozen: the holder goes on after its lease has ended',
        unit: 'ms; nothing is best',
        bars: Object.entries(told).map(([name, margins]) => {
          const after = margins.map((ms) => Math.max(0, ms ?? frozenMs)).sort((a, b) => a - b);
          const [low = 0, high = low] = [after[0], after[after.length - 1]];
          return { label: name, value: after[Math.floor(after.length / 2)] ?? 0, low, high, isOurs: name === OURS };
        }),
      },
    ],
    samples: told,
  };
}
