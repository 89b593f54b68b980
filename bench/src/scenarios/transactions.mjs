import { startRedisServer } from '../measure/redis-server.mjs';
import { digits } from '../report/format.mjs';
import { OURS, planOf } from './scenario.mjs';
import { AT_ONCE, measureTransfers, partOf, transfersPanel, transfersTable } from './transfers.mjs';

const SCRIPT = 'Lua compare-and-set';
const NAMES = [OURS, SCRIPT, 'WATCH/MULTI', 'redlock + MULTI'];
const KINDS = [
  { keys: 10_000, title: 'over 10,000 keys', goals: [{ peer: SCRIPT, goal: 0.85 }] },
  {
    keys: 20,
    title: 'over 20 hot keys',
    goals: [
      { peer: SCRIPT, goal: 0.85 },
      { peer: 'WATCH/MULTI', goal: 1.5 },
      { peer: 'redlock + MULTI', goal: 2 },
    ],
  },
];

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 6, ms: 500, warmUpCommits: 5_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 200, warmUpCommits: 500 });
  /** @type {{ goals: any[], tables: any[], panels: any[], samples: Record<string, unknown> }} */
  const outcome = { goals: [], tables: [], panels: [], samples: {} };
  for (const [i, kind] of KINDS.entries()) {
    const server = await startRedisServer();
    try {
      const samples = await measureTransfers({
        plan,
        names: NAMES,
        keys: kind.keys,
        where: { port: server.port },
        cpuUs: () => server.cpuUs(),
        progress: (done, all) => setting.progress(done + i * all, all * KINDS.length),
      });
      report(kind, samples, outcome);
      outcome.samples[kind.keys] = Object.fromEntries(samples);
    } finally {
      await server.stop();
    }
  }
  return outcome;
}

/**
 * @param {typeof KINDS[number]} kind
 * @param {import('./transfers.mjs').Samples} samples
 * @param {{ goals: any[], tables: any[], panels: any[] }} outcome
 */
function report({ title, goals: wanted }, samples, { goals, tables, panels }) {
  const what = `2 reads + 2 writes, ${AT_ONCE} at once, ${title}`;
  tables.push(transfersTable({ title: what, samples, base: SCRIPT, baseTitle: 'the script' }));
  panels.push(transfersPanel(what, samples));
  for (const { peer, goal } of wanted) {
    const { median } = partOf(samples, OURS, peer);
    goals.push({
      what: `2 reads + 2 writes ${title}, of ${peer}`,
      goal: `>= ${goal}`,
      figure: digits(median),
      isReached: median >= goal,
    });
  }
}
