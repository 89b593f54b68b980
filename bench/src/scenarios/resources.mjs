import { startRedisServer } from '../measure/redis-server.mjs';
import { slope } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits } from '../report/format.mjs';

const WORKER = new URL('./resources-worker.mjs', import.meta.url);
const STEPS = 10;
/** Code that is compiled and tables that fill up: not yet the steady state. */
const SETTLING_STEPS = 3;
/** What a whole run may seem to grow by: fragments and compiled code, not calls. */
const FLAT_BYTES = 2 ** 20;
const AT_ONCE = 16;
const MIB = 2 ** 20;

/** @typedef {{ what: 'transaction' | 'lock', store: 'memory' | 'Redis', count: number }} Load */

/** @param {import('./scenario.mjs').Setting} setting */
export async function run({ isQuick, progress }) {
  const scale = isQuick ? 0.05 : 1;
  /** @type {Load[]} */
  const loads = [
    { what: 'transaction', store: 'memory', count: 1_000_000 * scale },
    { what: 'transaction', store: 'Redis', count: 100_000 * scale },
    { what: 'lock', store: 'memory', count: 100_000 * scale },
    { what: 'lock', store: 'Redis', count: 100_000 * scale },
  ];
  const profiled = isQuick ? 5_000 : 40_000;
  const all = loads.length * (STEPS + 1);
  let done = 0;
  const grown = [];
  const profiles = [];
  for (const load of loads) {
    grown.push({ ...load, ...(await growth(load, () => progress((done += 1), all))) });
    profiles.push({ ...load, ...(await profile(load, profiled)) });
    progress((done += 1), all);
  }
  return report(grown, profiles);
}

/**
 * Heap after each tenth of the load.
 *
 * @param {Load} load
 * @param {() => void} progress
 */
async function growth({ what, store, count }, progress) {
  const server = await startRedisServer();
  try {
    const port = store === 'Redis' ? server.port : undefined;
    const worker = await startWorker(WORKER, { port }, { execArgv: ['--expose-gc'] });
    const redisBefore = await server.memoryBytes();
    const serverBefore = await server.cpuUs();
    const heap = [];
    let [tookMs, cpuUs] = [0, 0];
    for (let step = 1; step <= STEPS; step += 1) {
      const one = await worker.call('run', { what, count: count / STEPS, atOnce: AT_ONCE });
      tookMs += one.tookMs;
      cpuUs += one.cpuUs;
      heap.push({ calls: (count / STEPS) * step, bytes: await worker.call('heapBytes') });
      progress();
    }
    const serverCpuUs = ((await server.cpuUs()) - serverBefore) / count;
    const redisBytes = ((await server.memoryBytes()) - redisBefore) / count;
    await worker.close();
    const bytesPerCall = slope(heap.slice(SETTLING_STEPS - 1).map(({ calls, bytes }) => [calls, bytes]));
    return { heap, bytesPerCall, perSecond: (count / tookMs) * 1_000, cpuUs: cpuUs / count, serverCpuUs, redisBytes };
  } finally {
    await server.stop();
  }
}

/**
 * Where the process spends its time under a load.
 *
 * @param {Load} load
 * @param {number} count
 * @returns {Promise<ReturnType<typeof import('../measure/profile.mjs').summarizeProfile>>}
 */
async function profile({ what, store }, count) {
  const server = await startRedisServer();
  try {
    const worker = await startWorker(WORKER, { port: store === 'Redis' ? server.port : undefined });
    // The first quarter compiles.
    await worker.call('run', { what, count: count / 4, atOnce: AT_ONCE });
    const profile = await worker.call('profile', { what, count, atOnce: AT_ONCE });
    await worker.close();
    return profile;
  } finally {
    await server.stop();
  }
}

/** @param {{ what: string, store: string, count?: number }} load */
function titleOf({ what, store }) {
  return `${what === 'lock' ? 'acquire + release, a new name each' : 'transaction, 1 read + 1 write'}, ${store} store`;
}

/**
 * @param {(Load & Awaited<ReturnType<typeof growth>>)[]} grown
 * @param {(Load & Awaited<ReturnType<typeof profile>>)[]} profiles
 */
function report(grown, profiles) {
  const percent = (/** @type {number} */ part) => `${digits(part * 100)} %`;
  const places = [...new Set(profiles.flatMap(({ places }) => places.map(({ name }) => name)))];
  return {
    goals: grown.map((one) => {
      const growth = one.bytesPerCall * one.count;
      return {
        what: `heap after ${one.count.toLocaleString('en-US')} x ${titleOf(one)}`,
        goal: 'flat (under 1 MiB in all)',
        figure: `${digits(growth / MIB)} MiB`,
        isReached: growth < FLAT_BYTES,
      };
    }),
    tables: [
      {
        title: `Memory and CPU, ${AT_ONCE} at once`,
        columns: [
          '',
          'calls',
          'heap MiB after 30 %',
          'after 60 %',
          'at the end',
          'bytes/call',
          'calls/s',
          'client CPU µs/call',
          'server CPU µs/call',
          'Redis bytes/call',
        ],
        rows: grown.map((one) => [
          titleOf(one),
          one.count.toLocaleString('en-US'),
          ...[2, 5, 9].map((step) => digits((one.heap[step]?.bytes ?? NaN) / MIB)),
          digits(one.bytesPerCall),
          digits(one.perSecond),
          digits(one.cpuUs),
          ...(one.store === 'Redis' ? [digits(one.serverCpuUs), digits(one.redisBytes)] : ['–', '–']),
        ]),
        note: 'Heap in use after a forced collection. Bytes per call are the slope of the last eight tenths.',
      },
      {
        title: 'Where the time of the process goes, by profile (self time, idle left out)',
        columns: ['', ...places],
        rows: profiles.map((one) => [
          titleOf(one),
          ...places.map((place) => percent(one.places.find(({ name }) => name === place)?.part ?? 0)),
        ]),
      },
      ...profiles.map((one) => ({
        title: `Functions with the most self time: ${titleOf(one)}`,
        columns: ['function', 'part'],
        rows: one.functions.map(({ name, part }) => [name, percent(part)]),
      })),
    ],
    panels: [],
    samples: { grown, profiles },
  };
}
