import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { hashSlot } from '../../../src/store/hash-slot.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let cluster: RedisCluster;
let scene: TxnScene;
let app: TxnApp;

beforeAll(async () => {
  [cluster, scene] = await Promise.all([startRedisCluster(), TxnScene.start()]);
  const store = redisStore(clusterStoreOptions(cluster));
  app = await scene.app({ module: { store, namespace: 'shop' } });
}, 30_000);

afterAll(async () => {
  await scene.stop();
  await cluster.stop();
});

/** Keys of three masters: the cluster gives each a third of the slots. */
const [ONE, TWO, THREE] = [0, 1, 2].map((master) =>
  Array.from({ length: 100 }, (_, i) => `order:${i}`).find(
    (key) => Math.floor((3 * hashSlot(`shop:e:${key}`)) / 16_384) === master,
  )!,
) as [string, string, string];

describe('in a cluster', () => {
  it('G27: keys of several slots become visible together, by themselves and in a transaction', async () => {
    const writes = { [ONE]: 1, [TWO]: 2, [THREE]: 3, '{t}:a': 4, '{t}:b': 5 };
    const keys = Object.keys(writes);
    await app.cache.setMany(writes);
    expect(await app.cache.getMany(keys)).toEqual(new Map(Object.entries(writes)));
    await app.coordinator.run(async () => {
      const all = await app.cache.getMany<number>(keys);
      await app.cache.setMany(Object.fromEntries([...all].map(([key, n]) => [key, n + 10])));
      await app.cache.delete(TWO);
    });
    expect(await app.cache.getMany(keys)).toEqual(
      new Map([
        [ONE, 11],
        [THREE, 13],
        ['{t}:a', 14],
        ['{t}:b', 15],
      ]),
    );
  });

  it('G16, G27: a conflict in one slot leaves the others as they were', async () => {
    await app.cache.setMany({ [ONE]: 1, [TWO]: 1 });
    const running = app.coordinator.run(async () => {
      await app.cache.getMany([ONE, TWO]);
      await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set(TWO, 2));
      await app.cache.setMany({ [ONE]: 3, [TWO]: 3 });
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: [TWO] } });
    expect(await app.cache.getMany([ONE, TWO])).toEqual(
      new Map([
        [ONE, 1],
        [TWO, 2],
      ]),
    );
  });

  it('G16: of two transactions that each read what the other writes, in different slots, one is refused', async () => {
    for (let round = 0; round < 20; round += 1) {
      await app.cache.setMany({ [ONE]: 'on', [TWO]: 'on' });
      const turnOff = (own: string, other: string): Promise<void> =>
        app.coordinator.run(async () => {
          if ((await app.cache.get(other)) === 'on') await app.cache.set(own, 'off');
        });
      const ends = await Promise.allSettled([turnOff(ONE, TWO), turnOff(TWO, ONE)]);
      const on = [...(await app.cache.getMany<string>([ONE, TWO])).values()].filter((state) => state === 'on');
      expect([round, on.length]).toEqual([
        round,
        Math.max(1, ends.filter(({ status }) => status === 'rejected').length),
      ]);
    }
  });

  it('G18, G27: a lock of the call in another slot guards the commit', async () => {
    await app.locks.withLock('seat', () => app.cache.set('{t}:locked', 1));
    expect(await app.cache.get('{t}:locked')).toBe(1);
    const running = app.locks.withLock('seat', () =>
      app.coordinator.run(async () => {
        await app.cache.setMany({ '{t}:locked': 2, [ONE]: 2 });
        await app.locks.forceRelease('seat');
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST', details: { names: ['seat'] } });
    expect(await app.cache.get('{t}:locked')).toBe(1);
  });

  it('G16: a read-only transaction over several slots is compared in each of them', async () => {
    await app.cache.setMany({ [ONE]: 1, [TWO]: 1 });
    const readBoth = (between: () => Promise<void>): Promise<unknown> =>
      app.coordinator.run({ readOnly: true }, async () => {
        await app.cache.get(ONE);
        await app.coordinator.run({ propagation: 'not_supported' }, between);
        return app.cache.get(TWO);
      });
    expect(await readBoth(() => Promise.resolve())).toBe(1);
    await expect(readBoth(() => app.cache.set(ONE, 2))).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
  });

  it('G14: keys and locks with one hash tag commit together, whichever node has them', async () => {
    for (let i = 0; i < 12; i++) {
      const tag = `{tenant-${i}}`;
      await app.locks.withLock([`${tag}:seat`, `${tag}:wallet`], () =>
        app.coordinator.run(async () => {
          const n = (await app.cache.get<number>(`${tag}:n`)) ?? 0;
          await app.cache.setMany({ [`${tag}:n`]: n + 1, [`n:${tag}`]: n + 1 });
        }),
      );
      expect(await app.cache.getMany([`${tag}:n`, `n:${tag}`])).toEqual(
        new Map([
          [`${tag}:n`, 1],
          [`n:${tag}`, 1],
        ]),
      );
    }
  });

  it('G18: a lock with the tag of the keys guards them', async () => {
    const running = app.locks.withLock('{t}:lock', () =>
      app.coordinator.run(async () => {
        await app.cache.set('{t}:guarded', 1);
        await app.locks.forceRelease('{t}:lock');
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await app.cache.has('{t}:guarded')).toBe(false);
  });

  it('G30: a conflict on tagged keys escalates to locks and gets through', async () => {
    const attempt = await app.coordinator.runWithRetry({ retry: { escalateAfter: 1 } }, async (txn) => {
      await app.cache.get('{t}:hot');
      if (txn.attempt <= 2) {
        await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('{t}:hot', txn.attempt));
      }
      await app.cache.set('{t}:other', txn.attempt);
      return txn.attempt;
    });
    expect(attempt).toBe(3);
  });

  it('reads keys of any slots together', async () => {
    const keys = Array.from({ length: 30 }, (_, i) => `spread:${i}`);
    await Promise.all(keys.map((key, i) => app.cache.set(key, i)));
    expect([...(await app.cache.getMany(keys)).values()]).toEqual(keys.map((_, i) => i));
  });
});
