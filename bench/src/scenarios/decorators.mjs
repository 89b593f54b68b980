import { startRedisServer } from '../measure/redis-server.mjs';
import { commandsDuring } from '../measure/round-trips.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits, spread } from '../report/format.mjs';
import { planOf } from './scenario.mjs';

const BARE = 'undecorated';
const NAMES = [BARE, '@Locked', '@CacheTxn', '@Versioned', 'all three'];
const WORKER = new URL('./decorators-worker.mjs', import.meta.url);
const LOAD = new URL('./http-load-worker.mjs', import.meta.url);
const CONNECTIONS = 16;
const COUNTED = 100;
const GOAL = 0.8;

/**
 * An application for each variant, in a process of its own; the load comes from another one.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const full = { repeats: 2, warmups: 1, rounds: 4, seconds: 1, warmUpRequests: 5_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 2, seconds: 0.5, warmUpRequests: 500 });
  const server = await startRedisServer();
  const load = await startWorker(LOAD, {});
  /** @type {{ goals: any[], tables: any[], panels: any[], samples: Record<string, unknown> }} */
  const outcome = { goals: [], tables: [], panels: [], samples: {} };
  try {
    for (const [i, store] of ['memory', 'Redis'].entries()) {
      const port = store === 'Redis' ? server.port : undefined;
      /** @type {Map<string, Record<string, number>>} */
      const commands = new Map();
      const samples = await interleavedRounds({
        ...plan,
        names: NAMES,
        progress: (done, all) => setting.progress(done + i * all, all * 2),
        async open(variant) {
          const worker = await startWorker(WORKER, { variant, port });
          const url = await worker.call('url');
          await load.call('round', { url, connections: CONNECTIONS, amount: plan.warmUpRequests });
          commands.set(
            variant,
            await commandsDuring([server.client], () => load.call('oneByOne', { url, count: COUNTED })),
          );
          return { worker, url, close: () => worker.close() };
        },
        async measure({ worker, url }) {
          const before = await worker.call('cpu');
          const { requests, tookMs, p50Ms, p99Ms } = await load.call('round', {
            url,
            connections: CONNECTIONS,
            seconds: plan.seconds,
          });
          const after = await worker.call('cpu');
          const cpuUs = after.user + after.system - before.user - before.system;
          return { perSecond: (requests / tookMs) * 1_000, cpuUs: cpuUs / requests, p50Ms, p99Ms };
        },
      });
      report(store, samples, commands, outcome);
      outcome.samples[store] = Object.fromEntries(samples);
    }
    return outcome;
  } finally {
    await load.close();
    await server.stop();
  }
}

/**
 * @param {string} store
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 * @param {Map<string, Record<string, number>>} commands
 * @param {{ goals: any[], tables: any[], panels: any[] }} outcome
 */
function report(store, samples, commands, { goals, tables, panels }) {
  const of = (/** @type {string} */ name, /** @type {string} */ field) => figures(samples, name, (one) => one[field]);
  const part = (/** @type {string} */ name) => summarize(ratios(of(name, 'perSecond'), of(BARE, 'perSecond')));
  tables.push({
    title: `An empty POST, ${CONNECTIONS} connections, ${store} store`,
    columns: [
      '',
      'requests/s (quartiles)',
      'of undecorated (quartiles)',
      'server CPU µs/request',
      'round trips/request',
    ],
    rows: NAMES.map((name) => [
      name,
      spread(summarize(of(name, 'perSecond'))),
      spread(part(name)),
      digits(summarize(of(name, 'cpuUs')).median),
      roundTrips(commands.get(name) ?? {}),
    ]),
  });
  panels.push({
    title: `An empty HTTP method, ${store} store`,
    unit: 'requests per second, of the undecorated method',
    bars: NAMES.map((name) => {
      const { median, low, high } = part(name);
      return { label: name, value: median, low, high, isOurs: name !== BARE };
    }),
    ...(store === 'memory' && { mark: { value: GOAL, label: `${GOAL}` } }),
  });
  if (store !== 'memory') return;
  for (const name of NAMES.filter((name) => name !== BARE)) {
    const { median } = part(name);
    goals.push({
      what: `${name} on an empty method, memory store, of undecorated`,
      goal: `>= ${GOAL}`,
      figure: digits(median),
      isReached: median >= GOAL,
    });
  }
}

/** @param {Record<string, number>} counts */
function roundTrips(counts) {
  const each = Object.entries(counts).filter(([, count]) => count >= COUNTED / 2);
  if (each.length === 0) return '0';
  const sum = each.reduce((total, [, count]) => total + count, 0);
  return `${digits(sum / COUNTED)} (${each.map(([name]) => name).join(', ')})`;
}
