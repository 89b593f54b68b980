import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { redisStore } from 'nestjs-cache-txn';
import { FaultInjectingStore } from 'nestjs-cache-txn/testing';
import { loadScript } from '../../../src/redis/commands/script.js';
import { hashSlot } from '../../../src/store/hash-slot.js';
import { gate } from '../../../src/testing/faults/gate.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions, observer } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { countClusterTurns, type ClusterTurns } from '../../support/counting/turn-counter.js';

const SCRIPTS = ['prepare', 'decide', 'settle', 'transaction-open', 'commit', 'lock-acquire', 'lock-release'] as const;
const NAMES = new Map(SCRIPTS.map((name) => [loadScript(name).sha1, name]));

let cluster: RedisCluster;
let turns: ClusterTurns;
let scene: TxnScene;
let app: TxnApp;
let store: FaultInjectingStore;
let masters: readonly Redis[];

beforeAll(async () => {
  [cluster, scene] = await Promise.all([startRedisCluster(), TxnScene.start()]);
  turns = await countClusterTurns(cluster);
  const { options } = clusterStoreOptions(cluster).cluster;
  store = new FaultInjectingStore(
    redisStore({ cluster: { nodes: [...turns.nodes], options: { ...options, natMap: turns.natMap } } }),
  );
  app = await scene.app({ module: { store, namespace: 'shop', txn: { recovery: false } } });
  masters = cluster.masters.map((master) => observer(master));
  // The servers learn the scripts: one that does not know a script costs one turn more.
  for (const master of masters)
    await Promise.all(SCRIPTS.map((name) => master.script('LOAD', loadScript(name).source)));
  await app.cache.getMany([ONE, TWO, THREE, READ]);
  await app.cache.setMany({ [ONE]: 0, [TWO]: 0, [THREE]: 0, [READ]: 0 });
}, 30_000);

afterAll(async () => {
  for (const master of masters) master.disconnect();
  await scene.stop();
  await turns.close();
  await cluster.stop();
});

const masterOf = (key: string): number => Math.floor((3 * hashSlot(`shop:e:${key}`)) / 16_384);

/** Keys of three masters: the cluster gives each a third of the slots. */
const [ONE, TWO, THREE] = [0, 1, 2].map((master) =>
  Array.from({ length: 100 }, (_, i) => `{order:${i}}`).find((key) => masterOf(key) === master)!,
) as [string, string, string];
/** In the slot of the second one. */
const READ = `read ${TWO}`;

/** One script that a master ran for a client. */
type Ran = `${(typeof SCRIPTS)[number]} of ${string}`;

/** What a commit costs until its caller has the answer: turns, and the scripts of each slot. */
async function costOf(
  work: () => Promise<unknown>,
): Promise<{ turns: number; scripts: readonly Ran[]; asked: readonly number[] }> {
  // ioredis cannot begin to listen to a server while that runs what an earlier commit has left to do.
  const isQuiet = (): boolean => store.journal.every(({ end }) => end !== 'pending');
  await eventually(isQuiet, { what: 'the end of earlier commits' });
  const behind = gate();
  // What follows the answer is not part of it.
  for (const step of ['settle', 'retireDecision', 'closeTransaction'] as const) store.always(step, behind.before);
  const traces = await Promise.all(masters.map((master) => traceCommands(master)));
  turns.take();
  await work();
  const taken = turns.take();
  const sentTo = await Promise.all(traces.map((end) => end()));
  const sent = sentTo.flat();
  store.clear();
  behind.open();
  return {
    turns: taken,
    asked: sentTo.flatMap(({ length }, master) => (length > 0 ? [master] : [])),
    scripts: sent.flatMap(([name, sha = '', , ...keys]) => (name === 'EVALSHA' ? ran(sha, keys) : [])).sort(),
  };
}

/** The script with its slot, or with what else its first key is. */
function ran(sha: string, [record = '']: readonly string[]): readonly Ran[] {
  const tag = /\{(.+?)\}/.exec(record)?.[1] ?? '';
  const slot = record.startsWith('shop:o:') ? 'the list' : `{${tag}}`;
  return [`${NAMES.get(sha)!} of ${slot}`];
}

/** Reads in one turn and writes what is 1 already, in a transaction that nobody disturbs. */
function reading(read: string, isolation: 'serializable' | 'read-committed' = 'serializable'): Promise<unknown> {
  return app.coordinator.run({ isolation }, async () => {
    await app.cache.get(read);
    await app.cache.setMany({ [ONE]: 1, [TWO]: 1 });
  });
}

/** The turn of the read itself. */
const READS = 1;
const WRITING = ['prepare of ' + ONE, 'prepare of ' + TWO, 'transaction-open of the list'];

describe('a commit over several slots of a cluster', () => {
  it('G27: of two slots takes two turns to the answer, and four messages: the list, two prepares and one decision', async () => {
    const { turns: taken, scripts } = await costOf(() => app.cache.setMany({ [ONE]: 1, [TWO]: 1 }));
    expect(scripts).toEqual(
      [`decide of ${ONE}`, `prepare of ${ONE}`, `prepare of ${TWO}`, 'transaction-open of the list'].sort(),
    );
    expect(taken).toBe(2);
  });

  it('G27: of two slots asks their two masters and no third: the list is where the decision is', async () => {
    // Each with keys of its own in the same two slots.
    const commits = Array.from({ length: 10 }, (_, n) => ({ [`${n} ${ONE}`]: n, [`${n} ${TWO}`]: n }));
    const { asked } = await costOf(() => Promise.all(commits.map((entries) => app.cache.setMany(entries))));
    expect(asked).toEqual([0, 1]);
  });

  it('G27: of three slots takes two turns as well, and at most two messages for each slot', async () => {
    const { turns: taken, scripts } = await costOf(() => app.cache.setMany({ [ONE]: 1, [TWO]: 1, [THREE]: 1 }));
    expect(scripts.filter((script) => script.startsWith('prepare'))).toHaveLength(3);
    expect(scripts.filter((script) => script.startsWith('decide'))).toHaveLength(1);
    expect(scripts).toHaveLength(5);
    expect(taken).toBe(2);
  });

  it('G16, G27: that read in another slot than those it writes takes three turns: its reads are compared after the prepares', async () => {
    const { turns: taken, scripts } = await costOf(() => reading(THREE));
    expect(scripts).toEqual([`commit of ${THREE}`, `decide of ${ONE}`, ...WRITING].sort());
    expect(taken).toBe(READS + 3);
  });

  it('G16, G27: that read where it writes takes two turns: that slot decides and compares in one step', async () => {
    const { turns: taken, scripts } = await costOf(() => reading(READ));
    expect(scripts).toEqual([`decide of ${TWO}`, ...WRITING].sort());
    expect(taken).toBe(READS + 2);
  });

  it('G17, G27: under read-committed takes two turns wherever it read', async () => {
    const { turns: taken, scripts } = await costOf(() => reading(THREE, 'read-committed'));
    expect(scripts).toEqual([`decide of ${ONE}`, ...WRITING].sort());
    expect(taken).toBe(READS + 2);
  });

  it('G18, G27: under a lock of another slot sends one prepare more, at the same time', async () => {
    const lock = THREE;
    const work = () => app.locks.withLock(lock, () => app.cache.setMany({ [ONE]: 1, [TWO]: 1 }));
    const { turns: taken, scripts } = await costOf(work);
    const locking = [`lock-acquire of ${lock}`, `lock-release of ${lock}`];
    expect(scripts).toEqual([`decide of ${ONE}`, `prepare of ${THREE}`, ...locking, ...WRITING].sort());
    expect(taken).toBe(2 + locking.length);
  });

  it('G16, G19: that only reads is compared in one turn, in all slots at the same time', async () => {
    const readOnly = () => app.coordinator.run({ readOnly: true }, () => app.cache.getMany([ONE, TWO, THREE]));
    const { turns: taken, scripts } = await costOf(readOnly);
    expect(scripts).toEqual([`commit of ${ONE}`, `commit of ${TWO}`, `commit of ${THREE}`].sort());
    expect(taken).toBe(READS + 1);
  });
});
