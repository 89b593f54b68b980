import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { milestone } from '../../support/txn-world.js';
import { DatabaseScene, INSERT, newSeat, NOTHING } from './database-scene.js';

let scene: DatabaseScene;

beforeAll(async () => {
  scene = await DatabaseScene.start();
}, 60_000);
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe('`client` and further transactions', () => {
  it('gives the pool outside, and the connection of the transaction inside, also to hooks before its commit', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    expect(shop.db.client).toBe(shop.pool);
    const seen: unknown[] = [];
    await shop.coordinator.run(async (txn) => {
      expect(shop.db.client).toBe(shop.pool);
      await shop.db.transaction(async (client) => {
        expect(shop.db.client).toBe(client);
        txn.beforeCommit(async () => {
          seen.push(shop.db.client === client);
          await shop.db.client.query(INSERT, [seat, 'ada']);
        });
        txn.afterCommit(async () => {
          seen.push(shop.db.client === shop.pool, await scene.buyerOf(seat));
        });
      });
    });
    expect(seen).toEqual([true, true, 'ada']);
  });

  it('G26: refuses work that outlives its transaction: its connection may be somebody else’s', async () => {
    const shop = await scene.shop();
    const door = milestone();
    const late: Promise<unknown>[] = [];
    await shop.coordinator
      .run(async () => {
        const failing = shop.db.transaction(async () => {
          late.push(
            door.reached.then(() => shop.db.client),
            door.reached.then(() => shop.db.transaction(async () => 1)),
          );
          throw new Error('no');
        });
        await expect(failing).rejects.toThrow('no');
        door.reach();
      })
      .catch(() => undefined);
    expect(late).toHaveLength(2);
    for (const work of late) await expect(work).rejects.toMatchObject({ code: 'TXN_STATE' });
  });

  it.each(['rolled back', 'committed'])('G26: refuses it also when all of it has ended, %s', async (end) => {
    const shop = await scene.shop();
    const seat = newSeat();
    const door = milestone();
    const late: Promise<unknown>[] = [];
    const running = shop.db.transaction(async (client) => {
      late.push(
        door.reached.then(() => shop.db.client.query(INSERT, [seat, 'late'])),
        door.reached.then(() => shop.db.transaction((other) => other.query(INSERT, [seat, 'late']))),
      );
      await client.query('SELECT 1');
      if (end === 'rolled back') throw new Error('no');
    });
    await running.catch(() => undefined);
    door.reach();
    for (const work of late) await expect(work).rejects.toMatchObject({ code: 'TXN_STATE' });
    expect(await scene.buyerOf(seat)).toBeUndefined();
  });

  it('a transaction inside takes part: both rows or none', async () => {
    const shop = await scene.shop();
    const [one, two] = [newSeat(), newSeat()];
    const work = (end: () => void) =>
      shop.db.transaction(async (client) => {
        await client.query(INSERT, [one, 'ada']);
        await shop.db.transaction(async (inner) => {
          expect(inner).toBe(client);
          await inner.query(INSERT, [two, 'ada']);
          await shop.cache.set(two, 'ada');
        });
        end();
      });
    const failing = work(() => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await scene.stateOf(shop, two)).toEqual(NOTHING);
    await work(() => undefined);
    expect([await scene.buyerOf(one), ...(await scene.stateOf(shop, two))]).toEqual(['ada', 'ada', 'ada']);
  });

  it('one in a cache transaction of its own inside commits by itself', async () => {
    const shop = await scene.shop();
    const [outer, inner] = [newSeat(), newSeat()];
    const failing = shop.db.transaction(async (client) => {
      await client.query(INSERT, [outer, 'ada']);
      await shop.cache.set(outer, 'ada');
      await shop.coordinator.run({ propagation: 'requires_new' }, async () => {
        await shop.db.transaction(async (other) => {
          expect(other).not.toBe(client);
          await other.query(INSERT, [inner, 'bob']);
          await shop.cache.set(inner, 'bob');
        });
      });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await scene.stateOf(shop, outer)).toEqual(NOTHING);
    expect(await scene.stateOf(shop, inner)).toEqual(['bob', 'bob']);
  });

  it('G44: refuses a second one after or beside it, and says what to do', async () => {
    const shop = await scene.shop();
    const [one, two] = [newSeat(), newSeat()];
    const buy = (seat: string) =>
      shop.db.transaction(async (client) => {
        await client.query(INSERT, [seat, 'ada']);
        await shop.cache.set(seat, 'ada');
      });
    const refusal = {
      code: 'TXN_STATE',
      message: expect.stringMatching(/put both into one, or begin .* requires_new/),
    };
    await shop.coordinator.run(async () => {
      await buy(one);
      await expect(buy(two)).rejects.toMatchObject(refusal);
      await expect(shop.cache.get(one)).rejects.toThrow(/COMMIT or ROLLBACK; what comes after it/);
    });
    expect(await scene.stateOf(shop, one)).toEqual(['ada', 'ada']);
    expect(await scene.stateOf(shop, two)).toEqual(NOTHING);

    const [three, four] = [newSeat(), newSeat()];
    const both = shop.coordinator.run(() => Promise.all([buy(three), buy(four)]));
    await expect(both).rejects.toMatchObject(refusal);
    expect([await scene.stateOf(shop, three), await scene.stateOf(shop, four)]).toEqual([NOTHING, NOTHING]);
  });

  it('G44: refuses a second one after one that has failed: the cache transaction is rolled back', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    const run = shop.coordinator.run(async () => {
      const failing = shop.db.transaction(() => Promise.reject(new Error('no')));
      await expect(failing).rejects.toThrow('no');
      await shop.db.transaction(async (client) => {
        await client.query(INSERT, [seat, 'ada']);
        await shop.cache.set(seat, 'ada');
      });
    });
    await expect(run).rejects.toMatchObject({ code: 'TXN_STATE' });
    expect(await scene.stateOf(shop, seat)).toEqual(NOTHING);
  });

  it('refuses one inside a nested part, which may still be undone', async () => {
    const shop = await scene.shop();
    const nested = shop.coordinator.run(() =>
      shop.coordinator.run({ propagation: 'nested' }, () => shop.db.transaction(async () => 1)),
    );
    await expect(nested).rejects.toThrow(/cannot decide a nested part.*begin the database transaction around it/);
  });

  it('with one connection in the pool, questions still have an answer', async () => {
    const shop = await scene.shop({ pool: { max: 1 } });
    const seat = newSeat();
    const fates: unknown[] = [];
    const running = shop.db.transaction(async (client) => {
      await client.query(INSERT, [seat, 'ada']);
      await shop.cache.set(seat, 'ada');
      fates.push(await shop.db.resolve('of nobody'), await shop.db.resolve(shop.coordinator.current()?.id ?? ''));
    });
    await expect(running).rejects.toMatchObject({ code: '23505' });
    expect(fates).toEqual(['aborted', 'aborted']);
    expect(await scene.stateOf(shop, seat)).toEqual(NOTHING);
  });
});
