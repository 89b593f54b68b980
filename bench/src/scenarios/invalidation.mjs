import { setTimeout as sleep } from 'node:timers/promises';
import { startRedisServer } from '../measure/redis-server.mjs';
import { interleavedRounds } from '../measure/rounds.mjs';
import { quantile } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { digits } from '../report/format.mjs';
import { isOurs, OURS, planOf } from './scenario.mjs';

const NEAR = `${OURS}, near, frozen`;
const PEER = 'bentocache, two tiers';
const WORKER = new URL('./invalidation-worker.mjs', import.meta.url);
/** Of the old value, once in each repeat, to see that they ask nobody. */
const READS = 1_000;
const GOALS = [
  { title: 'p50', q: 0.5, goal: 2 },
  { title: 'p99', q: 0.99, goal: 10 },
];

/**
 * One process has a value in memory and reads it all the time; another writes it, or deletes it, in turn. From the moment before the call of the write to the read that no longer
 * gives the old value: what a library does to tell others, before or after its answer, counts in any case.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 4, writes: 60 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 2, writes: 20 });
  const server = await startRedisServer();
  try {
    const names = [NEAR, PEER];
    const samples = await interleavedRounds({
      ...plan,
      names,
      progress: setting.progress,
      open: (contender) => openPair(contender, server),
      measure: (pair) => writes(pair, plan.writes),
    });
    return { ...report(samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/**
 * @param {string} contender
 * @param {Awaited<ReturnType<typeof startRedisServer>>} server
 */
async function openPair(contender, server) {
  const config = { contender, port: server.port };
  const [writer, reader] = await Promise.all([startWorker(WORKER, config), startWorker(WORKER, config)]);
  const key = nextKey();
  await writer.call('prepare', key);
  await reader.call('keep', key, 0);
  const before = await server.commands();
  await reader.call('keep', key, READS);
  const commands = (await server.commands()) - before;
  if (commands > READS / 10)
    throw new Error(`${contender} sent ${commands} commands in ${READS} reads: not from memory`);
  return {
    writer,
    reader,
    close: async () => {
      await Promise.all([writer.close(), reader.close()]);
    },
  };
}

let uses = 0;

function nextKey() {
  return `invalidated:${(uses += 1)}`;
}

/** @typedef {{ fromCallMs: number, fromAnswerMs: number }} Seen */

/**
 * @param {Awaited<ReturnType<typeof openPair>>} pair
 * @param {number} count
 */
async function writes({ writer, reader }, count) {
  /** @type {Seen[]} */
  const seen = [];
  for (let i = 0; i < count; i += 1) {
    const key = nextKey();
    await writer.call('prepare', key);
    await reader.call('keep', key, 10);
    await reader.call('watch', key);
    await sleep(1 + Math.random() * 9);
    const { sentAt, answeredAt } = await writer.call('write', key, i % 2 === 0 ? 'set' : 'delete');
    const seenAt = await reader.call('seen');
    seen.push({ fromCallMs: seenAt - sentAt, fromAnswerMs: seenAt - answeredAt });
  }
  return seen;
}

/**
 * @param {Map<string, import('../measure/rounds.mjs').Sample<Seen[]>[]>} samples
 */
function report(samples) {
  const names = [...samples.keys()];
  const rounds = (/** @type {string} */ name, /** @type {keyof Seen} */ from) =>
    (samples.get(name) ?? []).map(({ measured }) => measured.map((one) => one[from]));
  const perRound = (/** @type {string} */ name, /** @type {keyof Seen} */ from, /** @type {number} */ q) =>
    rounds(name, from).map((round) => quantile(round, q));
  const all = (/** @type {string} */ name, /** @type {keyof Seen} */ from, /** @type {number} */ q) =>
    quantile(rounds(name, from).flat(), q);
  const cell = (/** @type {string} */ name, /** @type {keyof Seen} */ from, /** @type {number} */ q) => {
    const each = perRound(name, from, q);
    return `${digits(all(name, from, q))} (${digits(Math.min(...each))} to ${digits(Math.max(...each))})`;
  };
  const goals = GOALS.map(({ title, q, goal }) => {
    const ms = all(NEAR, 'fromCallMs', q);
    const what = `a write seen by a process that has the old value in memory, ${title}`;
    return { what, goal: `<= ${goal} ms`, figure: `${digits(ms)} ms`, isReached: ms <= goal };
  });
  return {
    goals,
    tables: [
      {
        title: 'From a write to the first read in another process that does not give the old value',
        columns: [
          '',
          'p50 ms (rounds, min to max)',
          'p99 ms (rounds, min to max)',
          'p50 from its answer, ms',
          'writes',
        ],
        rows: names.map((name) => [
          name,
          cell(name, 'fromCallMs', 0.5),
          cell(name, 'fromCallMs', 0.99),
          digits(all(name, 'fromAnswerMs', 0.5)),
          `${rounds(name, 'fromCallMs').flat().length}`,
        ]),
      },
    ],
    panels: GOALS.map(({ title, q, goal }) => ({
      title: `A write seen by another process's memory, ${title}`,
      unit: 'ms',
      bars: names.map((name) => ({
        label: name,
        value: all(name, 'fromCallMs', q),
        low: quantile(perRound(name, 'fromCallMs', q), 0.25),
        high: quantile(perRound(name, 'fromCallMs', q), 0.75),
        isOurs: isOurs(name),
      })),
      mark: { value: goal, label: `${goal} ms` },
    })),
  };
}
