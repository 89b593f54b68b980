import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type CacheTxnModuleOptions, memoryStore, redisStore, StoreTimeoutError } from 'nestjs-cache-txn';
import { FaultInjectingStore, MemoryBackend, memoryParticipant } from 'nestjs-cache-txn/testing';
import { hashSlot } from '../../../src/store/hash-slot.js';
import { gate } from '../../../src/testing/faults/gate.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions, observer } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

/** The least time that an owner has to decide. */
const LEFT_MS = 1_000;
/** Beyond what is promised, for a machine with other work. */
const SLACK_MS = 1_500;

let cluster: RedisCluster;
let scene: TxnScene;
let masters: readonly Redis[];
let namespaces = 0;
let namespace: string;

beforeAll(async () => {
  [cluster, scene] = await Promise.all([startRedisCluster(), TxnScene.start()]);
  masters = cluster.masters.map((master) => observer(master));
}, 30_000);

beforeEach(() => {
  namespaces += 1;
  namespace = `recovery${namespaces}`;
});

afterEach(() => scene.closeApps());

afterAll(async () => {
  for (const master of masters) master.disconnect();
  await scene.stop();
  await cluster.stop();
});

const masterOf = (key: string): number => Math.floor((3 * hashSlot(key)) / 16_384);

/** Keys of two masters: with a tag, a key has the same slot in every namespace. */
const [ONE, TWO] = [0, 1].map((master) =>
  Array.from({ length: 100 }, (_, i) => `{order:${i}}`).find((key) => masterOf(key.slice(1, -1)) === master)!,
) as [string, string];

interface Node extends TxnApp {
  readonly store: FaultInjectingStore;
}

async function start(txn: CacheTxnModuleOptions['txn'] = {}): Promise<Node> {
  const store = new FaultInjectingStore(redisStore(clusterStoreOptions(cluster)));
  return { ...(await scene.app({ module: { store, namespace, txn: { timeout: LEFT_MS, ...txn } } })), store };
}

/** The owner writes both keys and dies where it would decide: before the decision or after it. */
async function dieAtDecision(owner: Node, when: 'before' | 'after'): Promise<void> {
  await new Promise<void>((died) => {
    owner.store.next('decide', async (run) => {
      owner.store.always('*', 'drop-before');
      if (when === 'after') await run();
      died();
      throw new StoreTimeoutError('it died');
    });
    owner.cache.setMany({ [ONE]: 'new', [TWO]: 'new' }).catch(() => undefined);
  });
}

const entry = (key: string): Promise<Record<string, string>> =>
  masters[masterOf(key.slice(1, -1))]!.hgetall(`${namespace}:e:${key}`);

/** The prepared writes that wait, as the servers have them: nobody who looks settles any. */
async function waiting(): Promise<number> {
  const entries = await Promise.all([ONE, TWO].map(entry));
  return entries.filter(({ i }) => i !== undefined).length;
}

/** Transactions that are on their way. */
async function open(): Promise<number> {
  const keys = (await Promise.all(masters.map((master) => master.keys(`${namespace}:o:*`)))).flat();
  const counts = keys.map((key) => masters[masterOf(/\{(.+)\}/.exec(key)![1]!)]!.zcard(key));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Lets time pass in which nothing may happen. */
async function pass(ms: number): Promise<void> {
  const untilMs = performance.now() + ms;
  await eventually(() => performance.now() > untilMs, { what: 'the end of the wait', withinMs: 2 * ms });
}

describe('an owner that dies in the middle of a commit', () => {
  it.each([
    ['before', 2, 'old'],
    ['after', 1, 'new'],
  ] as const)(
    'G14, G27: %s its decision: another application settles all slots within a second of the deadline',
    async (when, left, value) => {
      const [owner, other] = [await start(), await start()];
      await other.cache.setMany({ [ONE]: 'old', [TWO]: 'old' });
      await eventually(async () => (await open()) === 0, { what: 'the first commit to be over' });
      await dieAtDecision(owner, when);
      expect([await waiting(), await open()]).toEqual([left, 1]);
      const settled = async (): Promise<boolean> => (await waiting()) === 0 && (await open()) === 0;
      await eventually(settled, { what: 'the sweep', withinMs: LEFT_MS + 1_000 + SLACK_MS });
      expect((await Promise.all([ONE, TWO].map(entry))).map(({ v }) => v)).toEqual([`"${value}"`, `"${value}"`]);
      const decisions = (await Promise.all(masters.map((master) => master.keys(`${namespace}:d:*`)))).flat();
      expect(decisions.length).toBeGreaterThan(0);
      for (const key of decisions) {
        const ttlMs = await masters[masterOf(/\{(.+?)\}/.exec(key)![1]!)]!.pttl(key);
        expect([key, ttlMs > 0]).toEqual([key, true]);
      }
    },
  );

  it.each([
    ['before', 2, 'old'],
    ['after', 1, 'new'],
  ] as const)(
    'G27: %s its decision: with `txn.recovery: false` its writes wait for whoever meets them',
    async (when, left, value) => {
      const [owner, other] = [await start({ recovery: false }), await start({ recovery: false })];
      await other.cache.setMany({ [ONE]: 'old', [TWO]: 'old' });
      await eventually(async () => (await open()) === 0, { what: 'the first commit to be over' });
      await dieAtDecision(owner, when);
      // As long as somebody who sweeps would need.
      await pass(LEFT_MS + 1_000);
      expect([await waiting(), await open()]).toEqual([left, 1]);
      expect(other.store.journal.map(({ operation }) => operation)).not.toContain('overdueTransactions');
      expect(await other.cache.getMany([ONE, TWO])).toEqual(
        new Map([
          [ONE, value],
          [TWO, value],
        ]),
      );
      expect(await waiting()).toBe(0);
    },
  );
});

describe('a sweeper', () => {
  const sweeps = ({ store }: Pick<Node, 'store'>): number =>
    store.journal.filter(({ operation }) => operation === 'overdueTransactions').length;

  it('G13: ends with its application, and another one goes on', async () => {
    const [closing, other] = [await start({ recovery: '50ms' }), await start({ recovery: '50ms' })];
    const isAtWork = (node: Node, since = sweeps(node)) =>
      eventually(() => sweeps(node) > since, { what: 'a sweep', withinMs: 10_000 });
    await isAtWork(closing);
    await closing.app.close();
    const before = closing.store.journal.length;
    for (let round = 0; round < 4; round += 1) await isAtWork(other);
    expect(closing.store.journal.length).toBe(before);
    expect([closing.log, other.log]).toEqual([[], []]);
  });

  it('G13: lets an application close only after the sweep that is running', async () => {
    const node = await start({ recovery: '50ms' });
    const stuck = gate();
    node.store.next('overdueTransactions', stuck.before);
    await stuck.reached;
    let isClosed = false;
    const closing = node.app.close().then(() => (isClosed = true));
    // More than the application gives to its own calls.
    await pass(1_000);
    expect(isClosed).toBe(false);
    stuck.open();
    await closing;
    expect(node.log).toEqual([]);
    // The lock of whoever sweeps is free for others.
    const next = await start({ recovery: '50ms' });
    await eventually(() => sweeps(next) > 0, { what: 'the sweep of another application' });
  });

  it('G40: of a store that is away for a while says nothing, and goes on when it is back', async () => {
    const node = await start({ recovery: '50ms' });
    node.store.always('*', 'refuse');
    const tries = node.store.journal.length;
    await eventually(() => node.store.journal.length > tries + 2, { what: 'tries' });
    node.store.clear();
    const since = sweeps(node);
    await eventually(() => sweeps(node) > since, { what: 'a sweep' });
    expect(node.log).toEqual([]);
  });

  it('of a store that has one slot only has nothing to do', async () => {
    const stores = [memoryStore(), memoryStore({ slots: 2 })].map((inner) => new FaultInjectingStore(inner));
    for (const store of stores) await scene.app({ module: { store, txn: { recovery: '50ms' } } });
    await eventually(() => sweeps({ store: stores[1]! }) > 2, { what: 'sweeps of the other one' });
    expect(sweeps({ store: stores[0]! })).toBe(0);
  });

  it('G27: of such a store begins with the first participant, whose transaction may be left half done', async () => {
    const backend = new MemoryBackend();
    const [owner, other] = [memoryStore({ backend }), memoryStore({ backend })].map(
      (inner) => new FaultInjectingStore(inner),
    ) as [FaultInjectingStore, FaultInjectingStore];
    const module = { namespace, txn: { recovery: '50ms', timeout: LEFT_MS } } as const;
    const [{ cache, coordinator }, { coordinator: another }] = [
      await scene.app({ module: { ...module, store: owner } }),
      await scene.app({ module: { ...module, store: other } }),
    ];
    owner.next('decide', async () => {
      owner.always('*', 'drop-before');
      throw new StoreTimeoutError('it died');
    });
    const dying = coordinator.run(async (txn) => {
      await cache.set(ONE, 'new');
      txn.enlist(memoryParticipant('mails'));
    });
    await expect(dying).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
    expect((await other.inner.readEntries([ONE]))[0]?.intent).toBeDefined();
    await another.run((txn) => {
      txn.enlist(memoryParticipant('mails'));
    });
    const isLeft = async (): Promise<boolean> => (await other.inner.readEntries([ONE]))[0]?.intent !== undefined;
    await eventually(async () => !(await isLeft()), { what: 'the sweep', withinMs: LEFT_MS + 1_000 + SLACK_MS });
    expect(await other.inner.listTransactions(10)).toEqual([]);
  });
});
