import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { type Node, PRICES, RemoteWorld } from './remote-world.js';

/** `REMOTE_SEEDS=5000` plays the long form (CONTRIBUTING). */
const SEEDS = Number(process.env['REMOTE_SEEDS'] ?? 20);
const STEPS = 40;
const RATES = { 'drop-before': 0.03, 'drop-after': 0.03, 'delay-before': 0.05, duplicate: 0.03, late: 0.02 };

/** The order in which the lists were committed, by the version of the entry that is in the same transactions. */
function rankOf(world: RemoteWorld, list: unknown): number {
  const write = world.commits.writes.find(({ key, value }) => key === PRICES && value === list);
  return write?.version ?? 0;
}

/** Plays switches, deaths, cuts, stops and new nodes; answers what a reader was shown that it should not have been. */
async function play(seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const world = new RemoteWorld(seed * 1_000);
  const problems: string[] = [];
  let nodes: Node[] = await world.withOldList(3);
  let seen = rankOf(world, 'old');
  const look = (): void => {
    for (const list of world.shown(nodes)) {
      if (list === 'waits') continue;
      const rank = rankOf(world, list);
      if (rank < seen) problems.push(`${String(list)} after a later one, or never committed`);
      seen = Math.max(seen, rank);
    }
    // Whoever was asked first might have shown less than the others.
    const shown = new Set(world.shown(nodes).filter((list) => list !== 'waits'));
    if (shown.size > 1) problems.push(`two lists: ${[...shown].join(', ')}`);
  };
  for (const { store } of nodes) store.randomly(RATES, { maxDelay: '1s', maxAfterOperations: 30 });
  for (let step = 0; step < STEPS; step += 1) {
    const node = nodes[Math.floor(random() * nodes.length)]!;
    const what = random();
    if (what < 0.6) node.switchTo(`list-${step}`, 1_000 + random() * 4_000).catch(() => undefined);
    else if (what < 0.7) node.store.always('*', 'drop-before');
    else if (what < 0.8) node.store.always('*', undefined);
    else if (what < 0.85) node.block(random() * 4_000);
    else if (what < 0.9 && nodes.length > 2) {
      node.die();
      nodes = nodes.filter((other) => other !== node);
    } else if (nodes.length < 4) {
      const further = await world.node();
      further.store.randomly(RATES, { maxDelay: '1s', maxAfterOperations: 30 });
      nodes.push(further);
    } else nodes[0]!.recovery.clearUp().catch(() => 0);
    for (let moment = 0; moment < 10; moment += 1) {
      await world.elapse(random() * 60);
      look();
    }
  }
  for (const { store } of nodes) {
    store.clear();
    await store.arrive();
  }
  await world.elapse(20_000);
  look();
  const present = await nodes[0]!.cache.get(PRICES);
  for (const list of world.shown(nodes)) {
    if (list !== present) problems.push(`${String(list)} in the end, where ${String(present)} is the present one`);
  }
  await world.stop();
  return problems;
}

describe('readers of a list in the memory of several nodes', () => {
  it(`are never shown two lists, whatever is lost, late, copied, cut off, stopped or dead, in ${SEEDS} histories`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      expect({ seed, problems: await play(seed) }).toEqual({ seed, problems: [] });
    }
  }, 3_600_000);
});
