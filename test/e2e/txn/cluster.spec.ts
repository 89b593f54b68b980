import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { hashSlot } from '../../../src/redis/hash-slot.js';
import { clusterStoreOptions } from '../../support/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/redis-cluster.js';
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

const slotOf = (serverKey: string): string => `slot ${hashSlot(serverKey)}`;

describe('in a cluster', () => {
  it('G27: keys of several slots are refused with an error that names keys and slots, and nothing is written', async () => {
    const writes = { 'order:1': 1, 'order:2': 2, '{t}:a': 3, '{t}:b': 4 };
    const refused = { code: 'CROSS_SLOT', retryable: false };
    for (const work of [() => app.coordinator.run(() => app.cache.setMany(writes)), () => app.cache.setMany(writes)]) {
      const error = (await work().catch((reason: unknown) => reason)) as Error;
      expect(error).toMatchObject(refused);
      expect(error.message).toContain(`${slotOf('shop:e:order:1')}: order:1`);
      expect(error.message).toContain(`${slotOf('shop:e:order:2')}: order:2`);
      expect(error.message).toContain(`${slotOf('{t}')}: {t}:a, {t}:b`);
    }
    expect((await app.cache.getMany(Object.keys(writes))).size).toBe(0);
  });

  it('G27: a key that was only read counts where reads are validated', async () => {
    const work = async (): Promise<void> => {
      await app.cache.get('elsewhere');
      await app.cache.set('{t}:read', 1);
    };
    await expect(app.coordinator.run(work)).rejects.toMatchObject({
      code: 'CROSS_SLOT',
      details: { slots: expect.anything() },
    });
    await app.coordinator.run({ isolation: 'read-committed' }, work);
    expect(await app.cache.get('{t}:read')).toBe(1);
  });

  it('G27: a lock of the call in another slot is named too', async () => {
    const running = app.locks.withLock('seat', () => app.cache.set('{t}:locked', 1));
    await expect(running).rejects.toMatchObject({
      code: 'CROSS_SLOT',
      message: expect.stringContaining(`${slotOf('shop:l:seat')}: lock seat`),
    });
    expect(await app.cache.has('{t}:locked')).toBe(false);
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
