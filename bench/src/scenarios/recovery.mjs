import { until } from '../measure/clock.mjs';
import { namesOverMasters, startRedisCluster } from '../measure/redis-cluster.mjs';
import { quantile } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { NAMESPACE } from '../peers/library.mjs';
import { digits } from '../report/format.mjs';

const WORKER = new URL('./recovery-worker.mjs', import.meta.url);
const LIMIT_MS = 1_000;
/** For whatever is left; what takes longer than the limit shall be seen, not waited for. */
const PATIENCE_MS = 10_000;
/** The least that a transaction leaves its owner to decide, so the shortest deadline. */
const TIMEOUT = '1s';

/** Where the process dies, and what everybody has to read from then on. */
const STEPS = [
  { step: 'decide', where: 'before the decision', expected: 'old' },
  { step: 'settle', where: 'after the decision', expected: 'new' },
];
const DEATHS = STEPS.flatMap((each) =>
  [2, 4].flatMap((slots) => [false, true].map((isRead) => ({ ...each, slots, isRead }))),
);

/** @typedef {typeof DEATHS[number]} Death */
/** @typedef {Awaited<ReturnType<typeof startRedisCluster>>} Cluster */
/** @typedef {import('../measure/worker.mjs').Worker} Worker */

/**
 * Kills processes (SIGKILL) in the middle of a commit, and watches the servers until nothing of it is left. One process with
 * the module's defaults lives on.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run({ isQuick, rounds = isQuick ? 2 : 8, progress }) {
  const cluster = await startRedisCluster();
  const start = (/** @type {object} */ txn) => startWorker(WORKER, { nodes: cluster.nodes, txn });
  /** @type {Map<Death, Awaited<ReturnType<typeof die>>[]>} */
  const seen = new Map(DEATHS.map((death) => [death, []]));
  let done = 0;
  try {
    const survivor = await start({});
    // Reads, and leaves sweeping to the other one.
    const reader = await start({ recovery: false });
    for (let round = 0; round < rounds; round += 1) {
      const victims = await Promise.all(DEATHS.map(() => start({ recovery: false, timeout: TIMEOUT })));
      const dieOf = async (/** @type {Death} */ death) => {
        const i = DEATHS.indexOf(death);
        const names = namesOverMasters(death.slots, `left-${round}-${i}`);
        const victim = /** @type {Worker} */ (victims[i]);
        seen.get(death)?.push(await die(death, names, { cluster, victim, survivor, reader }));
        progress((done += 1), rounds * DEATHS.length);
      };
      await Promise.all(DEATHS.filter(({ isRead }) => !isRead).map(dieOf));
      // One after the other: there is one reader.
      for (const death of DEATHS.filter(({ isRead }) => isRead)) await dieOf(death);
    }
    await until(() => isClean(cluster), 'no transaction is open and no decision kept for ever', { everyMs: 50 });
    await survivor.close();
    await reader.close();
  } finally {
    await cluster.stop();
  }
  return report(seen);
}

/**
 * One death, from the kill until no intent is left.
 *
 * @param {Death} death
 * @param {string[]} names
 * @param {{ cluster: Cluster, victim: Worker, survivor: Worker, reader: Worker }} parts
 */
async function die({ step, expected, isRead }, names, { cluster, victim, survivor, reader }) {
  await survivor.call('write', names, 'old');
  await victim.call('writeUpTo', step, names, 'new');
  await victim.kill();
  const killedAtMs = Date.now();
  const left = await intentsOf(cluster, names);
  if (left.length === 0) throw new Error(`a process that died before ${step} has left nothing`);
  const deadlineMs = Math.max(...left.map(({ deadlineMs }) => deadlineMs));
  const trips = isRead ? await reader.call('roundTripsOfRead', left[0]?.name) : [];
  if (isRead) await reader.call('startReading', names, expected);
  await until(async () => (await intentsOf(cluster, names)).length === 0, 'every intent is gone', {
    everyMs: 5,
    withinMs: PATIENCE_MS,
  });
  const goneAtMs = Date.now();
  const { latencies, wrong } = isRead ? await reader.call('stopReading') : { latencies: [], wrong: 0 };
  const after = await survivor.call('read', names);
  if (after.some((/** @type {string} */ value) => value !== expected))
    throw new Error(`torn or lost: ${names} are ${after}, and should be ${expected}`);
  return {
    sinceKillMs: goneAtMs - killedAtMs,
    sinceDeadlineMs: goneAtMs - deadlineMs,
    roundTrips: trips.length,
    reads: latencies.length,
    readP50Ms: isRead ? quantile(latencies, 0.5) : NaN,
    wrong,
  };
}

/**
 * Prepared writes that nobody has settled, as the servers have them; their deadline is by the servers' clock, which is this
 * machine's.
 *
 * @param {Cluster} cluster
 * @param {readonly string[]} names
 */
async function intentsOf(cluster, names) {
  const fields = await Promise.all(names.map((name) => cluster.clientOf(name)?.hget(`${NAMESPACE}:e:${name}`, 'i')));
  return fields.flatMap((field, i) => (field ? [{ name: names[i], deadlineMs: Number(field.split(' ')[1]) }] : []));
}

/** @param {Cluster} cluster */
async function isClean({ servers }) {
  const left = await Promise.all(
    servers.map(async ({ client }) => {
      const lists = await client.keys(`${NAMESPACE}:o:*`);
      const records = await client.keys(`${NAMESPACE}:d:*`);
      const ttls = await Promise.all(records.map((key) => client.ttl(key)));
      return lists.length + ttls.filter((ttl) => ttl === -1).length;
    }),
  );
  return left.every((count) => count === 0);
}

/** @param {Map<Death, Awaited<ReturnType<typeof die>>[]>} seen */
function report(seen) {
  const all = [...seen];
  const swept = all.filter(([{ isRead }]) => !isRead).flatMap(([, deaths]) => deaths);
  const latest = Math.max(...swept.map(({ sinceDeadlineMs }) => sinceDeadlineMs));
  const reads = all.flatMap(([, deaths]) => deaths).reduce((sum, death) => sum + death.reads, 0);
  const wrong = all.flatMap(([, deaths]) => deaths).reduce((sum, death) => sum + death.wrong, 0);
  const range = (/** @type {readonly number[]} */ values) =>
    `${digits(quantile(values, 0.5))} (${digits(Math.min(...values))} to ${digits(Math.max(...values))})`;
  return {
    goals: [
      {
        what: `intents of ${swept.length} killed processes gone after their deadline`,
        goal: `<= ${LIMIT_MS} ms`,
        figure: `${digits(latest)} ms`,
        isReached: latest <= LIMIT_MS,
      },
      {
        what: 'reads of their keys meanwhile that were neither all old nor all new as they should be',
        goal: '0',
        figure: `${wrong} of ${reads.toLocaleString('en-US')}`,
        isReached: wrong === 0,
      },
    ],
    tables: [
      {
        title: 'A process killed in the middle of a commit: when nothing of it is left',
        columns: [
          'killed',
          'slots',
          'found by',
          'ms after the deadline (min to max)',
          'ms after the kill (min to max)',
          'round trips of the first read',
          'p50 ms of a read of all',
          'times',
        ],
        rows: all.map(([{ where, slots, isRead }, deaths]) => [
          where,
          String(slots),
          isRead ? 'a reader' : 'the sweeper',
          range(deaths.map(({ sinceDeadlineMs }) => sinceDeadlineMs)),
          range(deaths.map(({ sinceKillMs }) => sinceKillMs)),
          isRead ? String(Math.max(...deaths.map(({ roundTrips }) => roundTrips))) : '–',
          isRead
            ? digits(
                quantile(
                  deaths.map(({ readP50Ms }) => readP50Ms),
                  0.5,
                ),
              )
            : '–',
          String(deaths.length),
        ]),
        note: 'The deadline is 1 s after the prepare. After every death all keys were read: all old, or all new. At the end no transaction was listed as open and no decision was kept for ever.',
      },
    ],
    panels: [],
    samples: all.map(([death, deaths]) => ({ ...death, deaths })),
  };
}
