import { startRedisServer } from '../measure/redis-server.mjs';
import { digits } from '../report/format.mjs';
import { hitsPanel, hitsTable, measureHits, partsOf } from './hits.mjs';
import { OURS, planOf } from './scenario.mjs';

const OUR_GET = `${OURS}, get`;
const NAMES = [OURS, OUR_GET, 'raw', 'raw, auto-pipelined', 'bentocache', 'cache-manager'];
const KINDS = [
  { title: 'serial', atOnce: 1, perLook: 1 },
  { title: '64 at once', atOnce: 64, perLook: 1 },
];
const GOAL = 0.9;
const GOALS = [
  { name: OURS, what: 'getOrLoad', peer: 'raw', goal: GOAL },
  { name: OUR_GET, what: 'get', peer: 'raw', goal: GOAL },
  { name: OURS, what: 'getOrLoad', peer: 'bentocache', goal: 1 },
  { name: OURS, what: 'getOrLoad', peer: 'cache-manager', goal: 1 },
];

/** @param {import('./scenario.mjs').Setting} setting */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 6, ms: 250, warmUpHits: 10_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 150, warmUpHits: 2_000 });
  const server = await startRedisServer();
  try {
    const samples = await measureHits({ plan, names: NAMES, kinds: KINDS, progress: setting.progress, server });
    return { ...report(samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/** @param {import('./hits.mjs').Samples} samples */
function report(samples) {
  const goals = [];
  const tables = [];
  const panels = [];
  for (const [kind, { title }] of KINDS.entries()) {
    tables.push(hitsTable({ title: `Hits in Redis per second, ${title}`, samples, kind, base: 'raw' }));
    panels.push(hitsPanel({ title: `Hit in Redis, ${title}`, samples, kind, base: 'raw', goal: GOAL }));
    const part = partsOf(samples, kind);
    for (const { name, what, peer, goal } of GOALS) {
      const { median } = part(name, peer);
      goals.push({
        what: `a hit in Redis, ${what}, ${title}, of ${peer}`,
        goal: `>= ${goal}`,
        figure: digits(median),
        isReached: median >= goal,
      });
    }
  }
  return { goals, tables, panels };
}
