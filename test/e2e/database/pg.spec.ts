import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import { CacheTxn, Versioned } from 'nestjs-cache-txn';
import type { PoolClient } from 'pg';
import { milestone } from '../../support/txn-world.js';
import { DatabaseScene, INSERT, newSeat, NOTHING, type Shop } from './database-scene.js';

let scene: DatabaseScene;

beforeAll(async () => {
  scene = await DatabaseScene.start();
}, 60_000);
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe('a database transaction with the cache', () => {
  it('G44: shows row and entry together after its commit, and neither before', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    await shop.coordinator.run(async () => {
      await shop.cache.set(seat, 'ada');
      const answer = await shop.db.transaction(async (client) => {
        await client.query(INSERT, [seat, 'ada']);
        expect([await scene.buyerOf(seat), await scene.scene.redis.exists(`${shop.namespace}:e:${seat}`)]).toEqual([
          undefined,
          0,
        ]);
        return 'sold';
      });
      expect(answer).toBe('sold');
    });
    expect(await scene.stateOf(shop, seat)).toEqual(['ada', 'ada']);
    expect(await scene.markers(shop.namespace)).toEqual(['C']);
  });

  it('G44: begins a cache transaction where there is none', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    await shop.db.transaction(async (client) => {
      await client.query(INSERT, [seat, 'ada']);
      await shop.cache.set(seat, 'ada');
      expect(shop.coordinator.current()).toBeDefined();
    });
    expect(await scene.stateOf(shop, seat)).toEqual(['ada', 'ada']);
  });

  it('G44: leaves neither when its work fails, and passes the error through', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    const mine = new Error('no');
    const failing = shop.db.transaction(async (client) => {
      await client.query(INSERT, [seat, 'ada']);
      await shop.cache.set(seat, 'ada');
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    expect(await scene.stateOf(shop, seat)).toEqual(NOTHING);
    expect(await scene.markers(shop.namespace)).toEqual([]);
  });

  it('G16, G44: rolls the row back when a key it has read was written meanwhile', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    const failing = shop.db.transaction(async (client) => {
      await client.query(INSERT, [seat, 'ada']);
      await shop.cache.get(seat);
      await shop.coordinator.run({ propagation: 'not_supported' }, () => shop.cache.set(seat, 'bob'));
      await shop.cache.set('other', 'ada');
    });
    await expect(failing).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(await scene.stateOf(shop, seat)).toEqual(['bob', undefined]);
  });

  it('rolls back what is marked rollback-only', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    const failing = shop.coordinator.run(async (txn) => {
      await shop.db.transaction(async (client) => {
        await client.query(INSERT, [seat, 'ada']);
        txn.setRollbackOnly();
      });
    });
    await expect(failing).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    expect(await scene.stateOf(shop, seat)).toEqual(NOTHING);
  });

  it('writes no marker where it writes nothing to the cache, so that it may be read-only', async () => {
    const shop = await scene.shop();
    const seat = newSeat();
    await scene.sql.query(INSERT, [seat, 'ada']);
    const buyer = await shop.locks.withLock(seat, () =>
      shop.db.transaction(async (client) => {
        await client.query('SET TRANSACTION READ ONLY');
        await shop.cache.get(seat);
        return (await client.query<{ buyer: string }>('SELECT buyer FROM seats WHERE id = $1', [seat])).rows[0]?.buyer;
      }),
    );
    expect(buyer).toBe('ada');
    expect(await scene.markers(shop.namespace)).toEqual([]);
  });

  it('runs at the isolation level that is asked for, and refuses one that does not exist', async () => {
    const shop = await scene.shop();
    const level = async (client: PoolClient): Promise<string | undefined> =>
      (await client.query<{ transaction_isolation: string }>('SHOW transaction_isolation')).rows[0]
        ?.transaction_isolation;
    expect(await shop.db.transaction(level)).toBe('read committed');
    for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
      const seat = newSeat();
      const work = async (client: PoolClient) => {
        await client.query(INSERT, [seat, 'ada']);
        await shop.cache.set(seat, 'ada');
        return level(client);
      };
      expect(await shop.db.transaction(work, { isolation })).toBe(isolation);
      expect(await scene.stateOf(shop, seat)).toEqual(['ada', 'ada']);
    }
    const wrong = 'serializable; DROP TABLE seats' as 'serializable';
    await expect(shop.db.transaction(level, { isolation: wrong })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it.each([
    // The server takes no marker any more.
    [['seat'], '25P02'],
    // It answers COMMIT with ROLLBACK.
    [[], 'STORE_UNAVAILABLE'],
  ])('G44: a statement that failed and was swallowed leaves nothing: writes to the cache %j', async (keys, code) => {
    const shop = await scene.shop();
    const seat = newSeat();
    const failing = shop.db.transaction(async (client) => {
      await client.query(INSERT, [seat, 'ada']);
      await client.query(INSERT, [seat, 'bob']).catch(() => undefined);
      for (const key of keys) await shop.cache.set(key, 'ada');
    });
    await expect(failing).rejects.toMatchObject({ code });
    expect([await shop.cache.get('seat'), await scene.buyerOf(seat)]).toEqual(NOTHING);
  });
});

describe('a serialization failure of the database', () => {
  /** Two transactions that each read what the other writes, at the same time, as often as they are run. */
  async function writeSkew(shop: Shop, run: (work: () => Promise<void>) => Promise<unknown>): Promise<number> {
    const [one, two] = [newSeat(), newSeat()];
    await scene.sql.query('INSERT INTO seats VALUES ($1, NULL), ($2, NULL)', [one, two]);
    const meeting = [milestone(), milestone()];
    let attempts = 0;
    const work = (mine: string, theirs: string, who: number) => () => {
      attempts += 1;
      return shop.db.transaction(
        async (client) => {
          await client.query('SELECT * FROM seats WHERE id = $1', [theirs]);
          meeting[who]?.reach();
          await Promise.all(meeting.map(({ reached }) => reached));
          await client.query("UPDATE seats SET buyer = 'x' WHERE id = $1", [mine]);
          await shop.cache.set(mine, 'x');
        },
        { isolation: 'serializable' },
      );
    };
    await Promise.all([run(work(one, two, 0)), run(work(two, one, 1))]);
    expect([await scene.stateOf(shop, one), await scene.stateOf(shop, two)]).toEqual([
      ['x', 'x'],
      ['x', 'x'],
    ]);
    return attempts;
  }

  it('G30: is a conflict (40001), and runs again', async () => {
    const shop = await scene.shop();
    const attempts = await writeSkew(shop, (work) => shop.coordinator.runWithRetry(work));
    expect(attempts).toBeGreaterThan(2);
    const single = writeSkew(shop, (work) => work());
    await expect(single).rejects.toMatchObject({ code: 'VERSION_CONFLICT', cause: { code: '40001' } });
  });

  it('G30: a deadlock is a conflict as well (40P01), which @Versioned runs again', async () => {
    const [one, two] = [newSeat(), newSeat()];
    await scene.sql.query("ALTER DATABASE postgres SET deadlock_timeout = '20ms'");
    await scene.sql.query('INSERT INTO seats VALUES ($1, NULL), ($2, NULL)', [one, two]);
    const meeting = [milestone(), milestone()];
    const failures: unknown[] = [];
    const given: { shop?: Shop } = {};

    @Injectable()
    class Sale {
      @Versioned()
      @CacheTxn()
      async swap(first: string, second: string, who: number): Promise<void> {
        const { db, cache } = given.shop!;
        await db
          .transaction(async (client) => {
            await client.query('UPDATE seats SET buyer = $2 WHERE id = $1', [first, 'x']);
            meeting[who]?.reach();
            await Promise.all(meeting.map(({ reached }) => reached));
            await client.query('UPDATE seats SET buyer = $2 WHERE id = $1', [second, 'x']);
            await cache.set(`swap ${who}`, 'done');
          })
          .catch((error: unknown) => {
            failures.push(error);
            throw error;
          });
      }
    }
    @Injectable()
    class Caller {
      constructor(@Inject(Sale) readonly sale: Sale) {}
    }
    const shop = (given.shop = await scene.shop({ providers: [Sale, Caller] }));
    const { sale } = shop.app.get(Caller);
    await Promise.all([sale.swap(one, two, 0), sale.swap(two, one, 1)]);
    expect(failures).toEqual([expect.objectContaining({ code: 'VERSION_CONFLICT' })]);
    expect(failures[0]).toMatchObject({ cause: { code: '40P01' } });
    expect(await shop.cache.getMany(['swap 0', 'swap 1'])).toEqual(
      new Map([
        ['swap 0', 'done'],
        ['swap 1', 'done'],
      ]),
    );
  });
});
