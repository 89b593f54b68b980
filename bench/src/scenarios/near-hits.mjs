import { startRedisServer } from '../measure/redis-server.mjs';
import { summarize } from '../measure/statistics.mjs';
import { digits } from '../report/format.mjs';
import { hitFigures, hitsPanel, hitsTable, measureHits, partsOf } from './hits.mjs';
import { OURS, planOf } from './scenario.mjs';

const FROZEN = `${OURS}, near, frozen`;
const CLONED = `${OURS}, near, cloned`;
const PEER = 'bentocache, two tiers';
const SAME_OBJECT = 'bentocache, two tiers, as it is';
const NAMES = [PEER, SAME_OBJECT, 'cache-manager, two tiers', 'Map'];
const KIND = { title: 'one after the other', atOnce: 1, perLook: 500 };
const GOAL = 3;
/** Like with like last: who gives everybody the same object, and who gives each a copy. */
const GOALS = [
  { name: FROZEN, what: 'a near-cache hit, frozen', peer: PEER },
  { name: FROZEN, what: 'a near-cache hit, frozen', peer: SAME_OBJECT },
  { name: CLONED, what: 'a near-cache hit, cloned', peer: PEER },
];
const FROZEN_PER_SECOND = 1_000_000;

/**
 * Reads that need no server; that none asked it is checked.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const full = { repeats: 3, warmups: 1, rounds: 5, ms: 200, warmUpHits: 50_000 };
  const plan = planOf(setting, full, { repeats: 1, warmups: 1, rounds: 3, ms: 150, warmUpHits: 10_000 });
  const server = await startRedisServer();
  try {
    const names = [FROZEN, CLONED, ...NAMES];
    const samples = await measureHits({ plan, names, kinds: [KIND], progress: setting.progress, server });
    for (const name of names) checkFromMemory(samples, name);
    return { ...report(samples), samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/**
 * A few commands are what a connection says to stay alive, and the bench itself.
 *
 * @param {import('./hits.mjs').Samples} samples
 * @param {string} name
 */
function checkFromMemory(samples, name) {
  const commands = hitFigures(samples, name, 0, 'commands');
  const hits = hitFigures(samples, name, 0, 'hits');
  const asked = commands.findIndex((count, i) => count > (hits[i] ?? 0) / 100);
  if (asked !== -1) throw new Error(`${name} sent ${commands[asked]} commands in ${hits[asked]} hits: not from memory`);
}

/**
 * @param {import('./hits.mjs').Samples} samples
 */
function report(samples) {
  const title = `Hits in memory per second, ${KIND.title}`;
  const shared = { samples, kind: 0, base: PEER };
  const part = partsOf(samples, 0);
  /** @type {import('./scenario.mjs').Goal[]} */
  const goals = GOALS.map(({ name, what, peer }) => {
    const { median } = part(name, peer);
    return { what: `${what}, of ${peer}`, goal: `>= ${GOAL}`, figure: digits(median), isReached: median >= GOAL };
  });
  const { median } = summarize(hitFigures(samples, FROZEN, 0, 'perSecond'));
  goals.push({
    what: 'near-cache hits, frozen, one after the other',
    goal: `>= ${digits(FROZEN_PER_SECOND)} / s`,
    figure: `${digits(median)} / s`,
    isReached: median >= FROZEN_PER_SECOND,
  });
  return {
    goals,
    tables: [hitsTable({ ...shared, title })],
    panels: [hitsPanel({ ...shared, title: 'Hit in memory', goal: GOAL, isLog: true })],
  };
}
