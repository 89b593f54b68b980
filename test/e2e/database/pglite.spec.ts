import { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TransactionalAdapterDrizzleOrm } from '@nestjs-cls/transactional-adapter-drizzle-orm';
import { sql } from 'drizzle-orm';
import { drizzle, type PgliteDatabase } from 'drizzle-orm/pglite';
import { memoryStore } from 'nestjs-cache-txn';
import { withCacheTxn } from 'nestjs-cache-txn/cls';
import { type PostgresMarkers, postgresMarkers } from 'nestjs-cache-txn/pg';
import { FaultInjectingStore, MemoryBackend } from 'nestjs-cache-txn/testing';
import { eventually } from '../../support/eventually.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let pglite: PGlite;
let scene: TxnScene;

beforeAll(async () => {
  [pglite, scene] = await Promise.all([PGlite.create(), TxnScene.start()]);
  await pglite.exec('CREATE TABLE seats (id text PRIMARY KEY, buyer text)');
}, 60_000);
afterEach(() => scene.closeApps());
afterAll(async () => {
  await scene.stop();
  await pglite.close();
});

interface Shop extends TxnApp {
  readonly store: FaultInjectingStore;
  readonly markers: PostgresMarkers;
  transaction<T>(work: (tx: PgliteDatabase) => Promise<T>): Promise<T>;
}

async function start(backend = new MemoryBackend(), recovery: false | '50ms' = false): Promise<Shop> {
  const markers = postgresMarkers(pglite, { createTable: true, askTimeout: '50ms' });
  const store = new FaultInjectingStore(memoryStore({ backend }));
  const module = { store, namespace: 'shop', txn: { database: markers, timeout: 1_000, recovery } };
  const app = await scene.app({ module });
  const adapter = withCacheTxn(new TransactionalAdapterDrizzleOrm({ drizzleInstanceToken: 'db' }), { marker: markers });
  const { wrapWithTransaction } = adapter.optionsFactory(drizzle(pglite), []);
  const transaction: Shop['transaction'] = async (work) => {
    let tx: unknown;
    return (await wrapWithTransaction(
      // Drizzle on PGlite cannot begin a transaction without any option.
      { isolationLevel: 'read committed' },
      () => work(tx as PgliteDatabase),
      (begun?: unknown) => (tx = begun),
    )) as never;
  };
  return { ...app, store, markers, transaction };
}

const buyerOf = async (seat: string): Promise<unknown> =>
  (await pglite.query<{ buyer: string }>('SELECT buyer FROM seats WHERE id = $1', [seat])).rows[0]?.buyer;

const buy = (shop: Shop, seat: string, end = (): unknown => undefined): Promise<void> =>
  shop.transaction(async (tx) => {
    await tx.execute(sql`INSERT INTO seats VALUES (${seat}, 'ada')`);
    await shop.cache.set(seat, 'ada');
    await end();
  });

/** The owner hears of nothing any more once it has prepared, so its transaction rolls back and its intents stay. */
function dieAfterPrepare({ store }: Shop): void {
  store.next('prepare', async (run) => {
    await run();
    store.always('*', 'drop-before');
    throw new Error('it died');
  });
}

describe('rows of an embedded PostgreSQL, through Drizzle', () => {
  it('G44: are committed with the cache, or rolled back with it', async () => {
    const shop = await start();
    await buy(shop, '1');
    expect([await shop.cache.get('1'), await buyerOf('1')]).toEqual(['ada', 'ada']);
    const failing = buy(shop, '2', () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    shop.store.next('prepare', 'refuse');
    await expect(buy(shop, '2')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect([await shop.cache.get('2'), await buyerOf('2')]).toEqual([undefined, undefined]);
    const recent = async () => (await shop.markers.recentlyCommitted()).transactions.map(({ keys }) => keys);
    expect(await recent()).toEqual([['1']]);
    await shop.markers.forgetOld();
    expect(await recent()).toEqual([['1']]);
  });

  it('G46: what an owner leaves that dies is made void by another application', async () => {
    const backend = new MemoryBackend();
    const [owner, heir] = [await start(backend), await start(backend, '50ms')];
    await owner.cache.set('3', 'old');
    dieAfterPrepare(owner);
    await expect(buy(owner, '3')).rejects.toThrow();
    const swept = async (): Promise<boolean> => (await heir.store.readEntries(['3']))[0]?.intent === undefined;
    expect(await swept()).toBe(false);
    await eventually(swept, { what: 'the sweep' });
    expect([await heir.cache.get('3'), await buyerOf('3')]).toEqual([undefined, undefined]);
  });

  it('G46: a commit that meets what a dead one has left does not wait for its own transaction to answer', async () => {
    const backend = new MemoryBackend();
    const [owner, other] = [await start(backend), await start(backend)];
    dieAfterPrepare(owner);
    await expect(buy(owner, '4')).rejects.toThrow();
    await eventually(
      async () => {
        const [entry] = await other.store.readEntries(['4']);
        return (
          (await other.store.askDecision({ ...entry!.intent!, decider: '4', isDecidedElsewhere: true })).kind ===
          'overdue'
        );
      },
      { what: 'its deadline' },
    );
    await expect(buy(other, '4')).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    // Outside of it whoever asks gets an answer, and clears up.
    expect(await other.cache.getOrLoad<string>('4', () => Promise.resolve(undefined))).toBeUndefined();
    await eventually(() => buy(other, '4').then(() => true), { what: 'the answer' });
    expect([await other.cache.get('4'), await buyerOf('4')]).toEqual(['ada', 'ada']);
  });
});
