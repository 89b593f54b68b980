import { startRedisCluster } from '../measure/redis-cluster.mjs';
import { digits } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';
import { AT_ONCE, measureTransfers, transfersPanel, transfersTable } from './transfers.mjs';

const EACH_KEY = 'compare-and-set of each key';
const NAMES = [OURS, EACH_KEY, 'redlock + SET'];
const KEYS = 20;
const SLOWEST = 0.3;

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 6, ms: 1_000, warmUpCommits: 2_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 4, ms: 500, warmUpCommits: 500 });
  const cluster = await startRedisCluster();
  try {
    const samples = await measureTransfers({
      plan,
      names: NAMES,
      keys: KEYS,
      where: { nodes: cluster.nodes },
      cpuUs: () => cluster.cpuUs(),
      progress: setting.progress,
    });
    return report(samples);
  } finally {
    await cluster.stop();
  }
}

/**
 * For each repeat what the client that got the least got in all its rounds, of what all got on average.
 *
 * @param {readonly import('../measure/rounds.mjs').Sample<any>[]} samples of one contender
 */
function slowestOfRepeats(samples) {
  const repeats = new Set(samples.map(({ repeat }) => repeat));
  return [...repeats].map((repeat) => {
    const rounds = samples.filter((sample) => sample.repeat === repeat).map(({ measured }) => measured.lanes);
    const sums = Array.from({ length: AT_ONCE }, (_, lane) => rounds.reduce((sum, lanes) => sum + lanes[lane], 0));
    return (Math.min(...sums) * AT_ONCE) / sums.reduce((sum, one) => sum + one, 0);
  });
}

/** @param {import('./transfers.mjs').Samples} samples */
function report(samples) {
  const slowestOf = (/** @type {string} */ name) => Math.min(...slowestOfRepeats(samples.get(name) ?? []));
  const slowest = slowestOf(OURS);
  const title = `2 reads + 2 writes in two slots, ${AT_ONCE} at once, over ${KEYS} hot keys of three masters`;
  return {
    goals: [
      {
        what: `${title}: slowest client, of the mean`,
        goal: `>= ${SLOWEST} in every repeat`,
        figure: digits(slowest),
        isReached: slowest >= SLOWEST,
      },
    ],
    tables: [
      transfersTable({
        title,
        samples,
        base: EACH_KEY,
        baseTitle: EACH_KEY,
        extra: { title: 'slowest client, of the mean', of: (name) => digits(slowestOf(name)) },
        note: 'All or nothing are only those of nestjs-cache-txn. ',
      }),
    ],
    panels: [transfersPanel(title, samples)],
    samples: Object.fromEntries(samples),
  };
}
