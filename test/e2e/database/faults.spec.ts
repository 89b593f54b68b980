import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { gate } from 'nestjs-cache-txn/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, startFaultProxy } from '../../support/proxy/fault-proxy.js';
import { observer } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { DatabaseScene, INSERT, newSeat, type Shop, type ShopOptions } from './database-scene.js';

/** The least time that an owner has to decide. */
const LEFT_MS = 1_000;
/** The COMMIT of an application, as the driver sends it; questions have one among other statements. */
const COMMIT = /^Q.{4}COMMIT\0/s;

let scene: DatabaseScene;
let proxy: FaultProxy;

beforeAll(async () => {
  scene = await DatabaseScene.start();
  proxy = await startFaultProxy(scene.postgres.port, { random: () => 0 });
}, 60_000);
afterEach(async () => {
  await proxy.heal();
  await scene.closeApps();
});
afterAll(async () => {
  await proxy.stop();
  await scene.stop();
});

/** An application whose transactions have no more time than the least. */
const open = (options: ShopOptions = {}): Promise<Shop> =>
  scene.shop({ ...options, module: { txn: { timeout: LEFT_MS, ...options.module?.txn } } });

/** The same behind the proxy. */
const openBehindProxy = (): Promise<Shop> => {
  const { pathname, username } = new URL(scene.postgres.url);
  return open({
    pool: { connectionString: `postgres://${username}@127.0.0.1:${proxy.port}${pathname}` },
  });
};

/** Both halves of one purchase; what `onCommit` does happens just before the COMMIT is sent. */
function buy(shop: Shop, seat: string, onCommit?: (client: PoolClient) => unknown): Promise<void> {
  return shop.db.transaction(async (client) => {
    await client.query(INSERT, [seat, 'ada']);
    await shop.cache.set(seat, 'ada');
    if (onCommit) beforeCommit(client, onCommit);
  });
}

function beforeCommit(client: PoolClient, act: (client: PoolClient) => unknown): void {
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(client, {
    query: async (sql: unknown, ...rest: unknown[]) => {
      if (sql === 'COMMIT') await act(client);
      return query(sql, ...rest);
    },
  });
}

/** The row as the database has it, and what the server holds of the entry: value, and whether a write waits. */
async function left({ namespace }: Shop, seat: string): Promise<readonly [string | undefined, string | null, boolean]> {
  const value = await scene.scene.redis.hget(`${namespace}:e:${seat}`, 'v');
  return [await scene.buyerOf(seat), value, await scene.hasIntent(namespace, seat)];
}

const NOTHING = [undefined, null, false];
const ALL = ['ada', '"ada"', false];

describe('a COMMIT that is not answered', () => {
  it('G44, G46: because the server never got it: the caller hears of the failure, and nothing is visible', async () => {
    const shop = await openBehindProxy();
    const seat = newSeat();
    proxy.set({ loseRequest: 1, losable: COMMIT });
    await expect(buy(shop, seat)).rejects.toThrow(/terminated|ended|closed/i);
    expect(await left(shop, seat)).toEqual(NOTHING);
  });

  it('G44, G46: though it ran: the caller hears that it is committed, and all is visible', async () => {
    const shop = await openBehindProxy();
    const seat = newSeat();
    proxy.set({ loseReply: 1, losable: COMMIT });
    await buy(shop, seat);
    expect(await left(shop, seat)).toEqual(ALL);
  });

  it('G40, G44: by a connection that has gone silent: the server ends the session, and the caller hears in time', async () => {
    const shop = await openBehindProxy();
    const seat = newSeat();
    await expect(buy(shop, seat, () => proxy.hold())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await left(shop, seat)).toEqual(NOTHING);
  });

  it('G46: by a network that has gone silent altogether: the outcome is in doubt, and so it says', async () => {
    const shop = await openBehindProxy();
    const seat = newSeat();
    await expect(buy(shop, seat, () => proxy.silence())).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
    // Whoever asks later gets the answer, and clears up.
    proxy.speak();
    await eventually(async () => !(await scene.hasIntent(shop.namespace, seat)), { what: 'the sweep' });
    expect(await left(shop, seat)).toEqual(NOTHING);
  });

  it('G44: because its session was terminated before it: nothing is visible', async () => {
    const shop = await open();
    const seat = newSeat();
    const terminated = buy(shop, seat, async (client) => {
      const { processID } = client as unknown as { processID: number };
      await scene.sql.query('SELECT pg_terminate_backend($1, 5000)', [processID]);
    });
    await expect(terminated).rejects.toThrow();
    expect(await left(shop, seat)).toEqual(NOTHING);
    await buy(shop, seat);
    expect(await left(shop, seat)).toEqual(ALL);
  });
});

describe('an owner that pauses between prepare and COMMIT', () => {
  it('G18, G48: for longer than it has left is cut off by the server, before its locks can go to others', async () => {
    const shop = await open();
    const seat = newSeat();
    const door = gate();
    shop.store.next('prepare', door.after);
    const paused = shop.locks.withLock('seat', () => buy(shop, seat));
    paused.catch(() => undefined);
    await door.reached;
    expect(await scene.hasIntent(shop.namespace, seat)).toBe(true);
    await eventually(async () => (await openSessions()) === 0, { what: 'the end of the session', withinMs: 3_000 });
    door.open();
    await expect(paused).rejects.toThrow(/connection/);
    expect(await left(shop, seat)).toEqual(NOTHING);
  });

  const openSessions = async (): Promise<number> => {
    const { rowCount } = await scene.sql.query("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'");
    return rowCount ?? 0;
  };

  it('G18, G48: and has lost its lock meanwhile writes neither row nor entry', async () => {
    const shop = await open();
    for (const operation of ['prepare', 'openTransaction'] as const) {
      const seat = newSeat();
      shop.store.next(operation, async (run) => {
        await shop.locks.forceRelease(seat);
        return run();
      });
      const buying = shop.locks.withLock(seat, () => buy(shop, seat));
      await expect(buying).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect(await left(shop, seat)).toEqual(NOTHING);
    }
  });
});

describe('a Redis that is away', () => {
  it.each(['refuse', 'drop-before', 'drop-after'] as const)(
    'G44: at prepare (%s): the database rolls back',
    async (fault) => {
      const shop = await open();
      const seat = newSeat();
      shop.store.next('prepare', fault);
      await expect(buy(shop, seat)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(await left(shop, seat)).toEqual(NOTHING);
    },
  );

  it('G44, G46: after COMMIT: the call succeeds, readers miss and do not fill, and the sweeper makes it void', async () => {
    const shop = await open({ module: { txn: { recovery: false } } });
    const other = await open({ namespace: shop.namespace });
    const seat = newSeat();
    await shop.cache.set(seat, 'old');
    shop.store.always('settle', 'refuse');
    await buy(shop, seat);
    expect(await left(shop, seat)).toEqual(['ada', '"old"', true]);
    expect(await other.cache.get(seat)).toBeUndefined();
    expect(await other.cache.getOrLoad(seat, () => scene.buyerOf(seat))).toBe('ada');
    expect(await left(shop, seat)).toEqual(['ada', '"old"', true]);
    await eventually(async () => !(await scene.hasIntent(shop.namespace, seat)), { what: 'the sweep' });
    expect(await left(shop, seat)).toEqual(['ada', null, false]);
    // The next one fills.
    expect(await other.cache.getOrLoad(seat, () => scene.buyerOf(seat))).toBe('ada');
    expect(await other.cache.get(seat)).toBe('ada');
  });
});

describe('an owner that dies', () => {
  /** It never hears of anything any more, and its database session ends. */
  async function die(shop: Shop, client: PoolClient): Promise<void> {
    shop.store.always('*', 'drop-before');
    const { processID } = client as unknown as { processID: number };
    await scene.sql.query('SELECT pg_terminate_backend($1, 5000)', [processID]);
    // Nor does it ask.
    Object.assign(shop.db, { resolve: () => Promise.resolve('pending') });
  }

  it('G46: before its COMMIT: another process makes sure that it never commits, and makes its writes void', async () => {
    const [owner, other] = [await open({ module: { txn: { recovery: false } } }), await open()];
    const seat = newSeat();
    const heir = await open({ namespace: owner.namespace });
    await owner.cache.set(seat, 'old');
    const dying = buy(owner, seat, (client) => die(owner, client));
    dying.catch(() => undefined);
    await eventually(() => scene.hasIntent(owner.namespace, seat), { what: 'the prepare' });
    expect(await heir.cache.get(seat)).toBeUndefined();
    await eventually(async () => !(await scene.hasIntent(owner.namespace, seat)), { what: 'the sweep' });
    expect(await left(owner, seat)).toEqual([undefined, null, false]);
    const { rows } = await scene.sql.query("SELECT 1 FROM cache_txn_marker WHERE state = 'A' AND namespace IS NULL");
    expect(rows.length).toBeGreaterThan(0);
    // A namespace of its own: nobody there sees any of it.
    expect(await other.cache.get(seat)).toBeUndefined();
    await expect(dying).rejects.toThrow();
  });
});

describe('a Redis that has forgotten its last writes', () => {
  it('G45: restarted from an old dump: what was committed since is made void, not served stale', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cache-txn-dump-'));
    let server = await startRedisServer({ args: ['--dir', folder] });
    try {
      const shop = await open({ redis: server });
      const [seat, other] = [newSeat(), newSeat()];
      await shop.cache.setMany({ [seat]: 'old', [other]: 'old' });
      const redis = observer(server);
      await redis.save();
      redis.disconnect();
      await buy(shop, seat);
      expect(await shop.cache.get(seat)).toBe('ada');
      await server.stop();
      server = await startRedisServer({ args: ['--dir', folder], port: server.port });
      await eventually(async () => (await shop.cache.get(seat)) !== 'old', { what: 'the replay' });
      // The other one was written by nobody since.
      expect([await shop.cache.get(seat), await shop.cache.get(other)]).toEqual([undefined, 'old']);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
