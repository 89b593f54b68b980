import { startPostgresServer } from '../measure/postgres-server.mjs';
import { startRedisCluster } from '../measure/redis-cluster.mjs';
import { startRedisServer } from '../measure/redis-server.mjs';
import { commandsDuring, sumOf } from '../measure/round-trips.mjs';
import { figures, interleavedRounds } from '../measure/rounds.mjs';
import { ratios, summarize } from '../measure/statistics.mjs';
import { startWorker } from '../measure/worker.mjs';
import { CONTENDERS, TABLE_SQL } from '../peers/database/database.mjs';
import { digits, spread } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';

const ALONE = 'the database alone';
const ONE_ENTRY = `${OURS}, 1 entry`;
const WORKER = new URL('./database-worker.mjs', import.meta.url);
const GOALS = { moreMs: 1, part: 1.25 };
const AT_ONCE = 16;
/** Changes whose commands are counted. */
const COUNTED = 64;

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 2, warmups: 1, rounds: 6, ms: 400, warmUpChanges: 1_000 };
  const plan = planOf(setting, full, { repeats: 1, rounds: 4, warmUpChanges: 500 });
  const servers = await startServers();
  const { postgres, redis, cluster } = servers;
  /** @type {Map<string, number>} */
  const commands = new Map();
  try {
    await postgres.query(TABLE_SQL);
    const where = { url: postgres.url, port: redis.port, nodes: cluster.nodes, atOnce: AT_ONCE };
    const kinds = [
      { title: 'one after the other', atOnce: 1 },
      { title: `${AT_ONCE} at once`, atOnce: AT_ONCE },
    ];
    const clients = [redis, ...cluster.servers].map(({ client }) => client);
    const samples = await interleavedRounds({
      ...plan,
      names: CONTENDERS,
      progress: setting.progress,
      async open(contender) {
        const worker = await startWorker(WORKER, { contender, ...where });
        await worker.call('round', { count: plan.warmUpChanges, atOnce: AT_ONCE });
        if (!commands.has(contender)) {
          const counts = await commandsDuring(clients, () => worker.call('round', { count: COUNTED, atOnce: 1 }));
          commands.set(contender, Math.round(sumOf(counts) / COUNTED));
        }
        return worker;
      },
      async measure(worker) {
        const measured = [];
        for (const { atOnce } of kinds) measured.push(await worker.call('round', { atOnce, ms: plan.ms }));
        return measured;
      },
    });
    return report(kinds, samples, commands, await describe(postgres));
  } finally {
    await servers.stop();
  }
}

async function startServers() {
  const starts = await Promise.allSettled([startPostgresServer(), startRedisServer(), startRedisCluster()]);
  const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
  };
  const [postgres, redis, cluster] = starts;
  if (postgres.status === 'fulfilled' && redis.status === 'fulfilled' && cluster.status === 'fulfilled') {
    return { postgres: postgres.value, redis: redis.value, cluster: cluster.value, stop };
  }
  await stop();
  throw starts.find((start) => start.status === 'rejected')?.reason;
}

/** @param {Awaited<ReturnType<typeof startPostgresServer>>} postgres */
async function describe({ version, durability, fsyncMs }) {
  const { fsync, synchronousCommit } = durability;
  return (
    `PostgreSQL ${version.split(' ')[0]}, fsync ${fsync}, synchronous_commit ${synchronousCommit}; a block written to this disk and waited for: ` +
    `${digits(fsyncMs())} ms. Statements and commands are per change, with what follows the answer; COMMIT, then DEL guarantees nothing.`
  );
}

/**
 * @param {readonly { title: string }[]} kinds
 * @param {Map<string, import('../measure/rounds.mjs').Sample<any>[]>} samples
 * @param {Map<string, number>} commands
 * @param {string} note
 */
function report(kinds, samples, commands, note) {
  const of = (/** @type {string} */ name, /** @type {string} */ field, kind = 0) =>
    figures(samples, name, (measured) => measured[kind][field]);
  const part = (/** @type {string} */ name, kind = 0) =>
    summarize(ratios(of(name, 'p50Ms', kind), of(ALONE, 'p50Ms', kind)));
  const alone = of(ALONE, 'p50Ms');
  const more = summarize(of(ONE_ENTRY, 'p50Ms').map((ms, i) => ms - (alone[i] ?? NaN))).median;
  const what = 'a database transaction with 1 cached entry, one after the other, p50';
  return {
    goals: [
      {
        what: `${what}: more than the same database transaction alone`,
        goal: `<= ${GOALS.moreMs} ms`,
        figure: `${digits(more)} ms`,
        isReached: more <= GOALS.moreMs,
      },
      {
        what: `${what}, of the same database transaction alone`,
        goal: `<= ${GOALS.part}`,
        figure: digits(part(ONE_ENTRY).median),
        isReached: part(ONE_ENTRY).median <= GOALS.part,
      },
    ],
    tables: kinds.map(({ title }, kind) => {
      const middle = (/** @type {string} */ name, /** @type {string} */ field) =>
        digits(summarize(of(name, field, kind)).median);
      return {
        title: `A row of PostgreSQL and what the cache says of it, ${title}`,
        columns: [
          '',
          'p50 ms (quartiles)',
          'of the database alone (quartiles)',
          'p99 ms',
          'changes/s',
          'client CPU µs',
          'statements',
          'Redis commands',
        ],
        rows: CONTENDERS.map((name) => [
          name,
          spread(summarize(of(name, 'p50Ms', kind))),
          spread(part(name, kind)),
          ...['p99Ms', 'perSecond', 'clientCpuUs'].map((field) => middle(name, field)),
          String(Math.round(summarize(of(name, 'statements', kind)).median)),
          String(commands.get(name) ?? ''),
        ]),
        note,
      };
    }),
    panels: kinds.map(({ title }, kind) => ({
      title: `A row of PostgreSQL and what the cache says of it, ${title}, p50`,
      unit: 'times the database transaction alone',
      bars: CONTENDERS.map((name) => {
        const { median, low, high } = part(name, kind);
        return { label: name, value: median, low, high, isOurs: name.startsWith(OURS) };
      }),
      ...(kind === 0 && { mark: { value: GOALS.part, label: `${GOALS.part}` } }),
    })),
    samples: Object.fromEntries(samples),
  };
}
