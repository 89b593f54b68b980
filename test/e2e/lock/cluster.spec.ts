import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { systemClock } from '../../../src/base/clock.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';

/** The bounds of the three masters' slots. */
const END_OF_SLOTS = [5_461, 10_922, 16_384];

interface Process {
  readonly locks: LockService;
  readonly store: CacheTxnStore;
}

describe('G11: locks in a cluster', () => {
  let cluster: RedisCluster;
  let processes: Process[];
  let spec = 0;
  /** A fresh name on each master. */
  let names: readonly [string, string, string];

  beforeAll(async () => {
    // A frozen master must be a frozen master only, not the end of the cluster.
    const args = ['--cluster-require-full-coverage', 'no', '--cluster-node-timeout', '60000'];
    cluster = await startRedisCluster({ args });
    processes = [await startProcess(), await startProcess()];
  }, 30_000);

  afterAll(async () => {
    await Promise.all(processes.map(({ store }) => store.stop()));
    await cluster.stop();
  });

  beforeEach(() => {
    spec += 1;
    names = END_OF_SLOTS.map((_, i) => nameOn(i, processes[0]!.store)) as never;
  });

  async function startProcess(): Promise<Process> {
    const store = redisStore({ ...clusterStoreOptions(cluster), commandTimeout: '1500ms' });
    const context = { namespace: 'cluster', processLabel: 'test', report: () => undefined, warn: () => undefined };
    await store.start(context);
    const locks = new LockService({
      store,
      options: {},
      clock: systemClock,
      random: Math.random,
      report: context.report,
    });
    return { locks, store };
  }

  function nameOn(master: number, store: CacheTxnStore): string {
    for (let i = 0; ; i += 1) {
      const name = `s${spec}-${i}`;
      const slot = store.slotOf('lock', name);
      if (slot < END_OF_SLOTS[master]! && slot >= (END_OF_SLOTS[master - 1] ?? 0)) return name;
    }
  }

  it('are taken all together under one fence, and every next fence is larger', async () => {
    const [{ locks }] = processes as [Process];
    const lock = await locks.acquire(names);
    const infos = await Promise.all(names.map((name) => locks.inspect(name)));
    expect(infos.map((info) => info?.fence)).toEqual([lock.fence, lock.fence, lock.fence]);
    const listed: string[] = [];
    for await (const { name } of locks.list(`s${spec}-*`)) listed.push(name);
    expect(listed.sort()).toEqual([...names].sort());
    await expect(lock.release()).resolves.toBe('released');
    for (const name of names) {
      const next = await locks.acquire(name);
      expect(next.fence).toBeGreaterThan(lock.fence);
      await next.release();
    }
  });

  it('are not taken at all when one is busy, on any master', async () => {
    const [mine, theirs] = processes as [Process, Process];
    for (const busy of names) {
      const inTheWay = await theirs.locks.acquire(busy);
      await expect(mine.locks.acquire(names, { wait: 0 })).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
        details: { name: busy },
      });
      await expect(mine.locks.acquire(names, { wait: 50 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
      const free = async (name: string): Promise<boolean> => (await mine.locks.inspect(name)) === null;
      for (const name of names.filter((other) => other !== busy)) await expect(free(name)).resolves.toBe(true);
      await eventually(async () => (await theirs.locks.inspect(busy))?.waiters === 0, { what: 'an empty queue' });
      await inTheWay.release();
    }
  });

  it('do not deadlock, whatever the order in which two processes name them', async () => {
    let inside = 0;
    const all = Array.from({ length: 60 }, (_, i) => {
      const wanted = i % 2 ? names : [...names].reverse();
      return processes[i % 2]!.locks.withLock(wanted, { wait: '20s' }, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    });
    await Promise.all(all);
  }, 30_000);

  it('are handed over from one process to the other on every master', async () => {
    const [mine, theirs] = processes as [Process, Process];
    const waits: number[] = [];
    for (const name of names) {
      const held = await mine.locks.acquire(name);
      const next = theirs.locks.acquire(name);
      await eventually(async () => (await mine.locks.inspect(name))?.waiters === 1, { what: 'a waiter' });
      await held.release();
      const releasedAt = performance.now();
      await (await next).release();
      waits.push(performance.now() - releasedAt);
    }
    // By message: a poll would come half a second later on average, and three in a row never at once.
    expect(Math.min(...waits)).toBeLessThan(250);
  });

  it('G7: of one frozen master end by their deadline, and those of the others live on', async () => {
    const [{ locks }] = processes as [Process];
    const lease = 1_000;
    const held = await Promise.all(names.map((name) => locks.acquire(name, { lease })));
    const [frozen, ...healthy] = held;
    cluster.masters[0]!.pause();
    const pausedAt = performance.now();
    await eventually(() => frozen!.signal.aborted, { what: 'the signal', withinMs: lease + 500 });
    await eventually(() => performance.now() - pausedAt > 3 * lease, { what: 'three leases', withinMs: 5 * lease });
    expect(healthy.map((lock) => lock.isHeld())).toEqual([true, true]);
    cluster.masters[0]!.resume();
    await expect(Promise.all(healthy.map((lock) => lock.release()))).resolves.toEqual(['released', 'released']);
    const again = await locks.acquire(names[0], { wait: '5s' });
    expect(again.fence).toBeGreaterThan(frozen!.fence);
    await again.release();
  }, 20_000);
});
