import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { CacheTxnModule, redisStore, type RedisStoreOptions, TransactionalCache } from 'nestjs-cache-txn';
import pg from 'pg';
import { startPostgresServer } from '../../test/support/servers/postgres-server.js';
import { startRedisCluster } from '../../test/support/servers/redis-cluster.js';
import { startRedisServer } from '../../test/support/servers/redis-server.js';
import { createTables } from '../src/database/create-tables.js';
import { openDatabase } from '../src/database/database.js';
import { seats } from '../src/database/schema.js';
import type { Order } from '../src/orders/order.js';
import { type Seat, seatKey } from '../src/seats/seat.js';
import { type Wallet, walletKey } from '../src/wallets/wallet.js';
import { startBoxOffice } from './support/box-office-process.js';
import { HttpClient } from './support/http-client.js';

const PRICE = 1_000;
const TRIES_A_LOOK = 4;
/** Why an order may fail. On a busy machine the queue for the last seat can be longer than the wait for its lock. */
const REFUSALS = ['SEAT_SOLD', 'SEAT_HELD', 'LOCK_TIMEOUT'];
/** Enough for one seat only. */
const MONEY = 1_500;

/** A Redis as the box office is told of it, and as the library is. */
interface SharedRedis {
  readonly env: { readonly REDIS_URL: string } | { readonly REDIS_CLUSTER: string };
  readonly options: RedisStoreOptions;
  readonly stop: () => Promise<void>;
}

async function oneRedis(): Promise<SharedRedis> {
  const { url, stop } = await startRedisServer();
  return { env: { REDIS_URL: url }, options: { url }, stop };
}

async function redisCluster(): Promise<SharedRedis> {
  const { nodes, stop } = await startRedisCluster();
  const list = nodes.map(({ host, port }) => `${host}:${port}`).join();
  return { env: { REDIS_CLUSTER: list }, options: { cluster: { nodes: [...nodes] } }, stop };
}

let offices: readonly HttpClient[];
let postgresUrl: string;
let sql: pg.Client;
let cache: TransactionalCache;
/** In the order of starting; what a failing start leaves behind ends with the test run (owned-process.ts). */
const cleanUps: (() => Promise<unknown>)[] = [];

/** Two processes, started at the same moment on an empty database. */
async function open(startRedis: () => Promise<SharedRedis>): Promise<void> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgresServer()]);
  cleanUps.push(redis.stop, postgres.stop);
  postgresUrl = postgres.url;
  const env = { ...redis.env, DATABASE_URL: postgres.url };
  const processes = await Promise.all([startBoxOffice(env), startBoxOffice(env)]);
  cleanUps.push(...processes.map(({ stop }) => stop));
  offices = processes.map(({ url }) => new HttpClient(url));

  sql = new pg.Client({ connectionString: postgres.url });
  await sql.connect();
  cleanUps.push(() => sql.end());
  const store = redisStore(redis.options);
  const observer = await NestFactory.createApplicationContext(
    CacheTxnModule.forRoot({ store, namespace: 'box-office' }),
    {
      logger: ['error'],
    },
  );
  cleanUps.push(() => observer.close());
  cache = observer.get(TransactionalCache);
}

async function close(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

async function rows<Row extends pg.QueryResultRow>(query: string): Promise<Row[]> {
  return (await sql.query<Row>(query)).rows;
}

async function numberOf(query: string): Promise<number> {
  const [row] = await rows<{ n: string }>(`SELECT (${query}) AS n`);
  return Number(row!.n);
}

/** What Redis holds of these rows, against what PostgreSQL holds; every row must have its entry. */
async function expectEntriesToAgree<T>(expected: ReadonlyMap<string, T>): Promise<void> {
  const keys = [...expected.keys()];
  const entries = await cache.getMany<T>(keys);
  expect(Object.fromEntries(entries)).toEqual(Object.fromEntries(expected));
}

async function walletRows(like: string): Promise<Map<string, Wallet>> {
  const found = await rows<Wallet>(`SELECT id, balance_cents AS "balanceCents" FROM wallets WHERE id LIKE '${like}'`);
  return new Map(found.map((wallet) => [walletKey(wallet.id), wallet]));
}

async function freeSeats(office: HttpClient): Promise<Seat[]> {
  for (;;) {
    const { status, body } = await office.get('/events/sale/seats');
    if (status === 200) return (body as Seat[]).filter((seat) => seat.status === 'free');
    // A machine that is too busy to hear from Redis in time.
    expect(status).toBe(503);
  }
}

/**
 * Looks for a free seat and orders it until one is bought (the order) or none is free (undefined), and looks at the list again
 * after a few refusals. Every fourth buyer holds the seat first, every fourth clicks twice and reaches both processes.
 */
async function buySeat(buyer: number, seats: number): Promise<Order | undefined> {
  const [office, other] = buyer % 2 === 0 ? [offices[0]!, offices[1]!] : [offices[1]!, offices[0]!];
  const name = `sale-${buyer}`;
  let free: Seat[] = [];
  for (let tries = 0; tries <= seats; tries++) {
    if (tries % TRIES_A_LOOK === 0) free = await freeSeats(office);
    const wanted = free[(buyer * 31 + tries) % Math.max(1, free.length)];
    if (wanted === undefined) return undefined;

    if (buyer % 4 === 0) await office.post(`/seats/${wanted.id}/hold`, { buyer: name });
    const clicks = buyer % 4 === 1 ? [office, other] : [office];
    const answers = await Promise.all(
      clicks.map((client) => client.post('/orders', { buyer: name, seatId: wanted.id })),
    );
    const [order, ...more] = answers.filter(({ status }) => status === 201);
    expect(more).toEqual([]);
    for (const { body } of answers.filter((answer) => answer !== order)) expect(REFUSALS).toContain(body.code);
    if (order !== undefined) return order.body as Order;
  }
  throw new Error(`${name} was refused ${seats} seats that were free.`);
}

describe.each([
  { where: 'one Redis', startRedis: oneRedis, buyers: 200, seatCount: 50 },
  { where: 'a Redis Cluster', startRedis: redisCluster, buyers: 60, seatCount: 20 },
])('two processes of the box office on $where and one PostgreSQL', ({ startRedis, buyers, seatCount }) => {
  beforeAll(() => open(startRedis), 90_000);

  afterAll(close);

  it('make and fill the tables once, even when many start at the same moment', async () => {
    expect(await numberOf('SELECT count(*) FROM events')).toBe(2);
    expect(await numberOf('SELECT count(*) FROM seats')).toBe(70);

    await sql.query('CREATE DATABASE another');
    const url = new URL('/another', postgresUrl).href;
    const connections = Array.from({ length: 8 }, () => openDatabase(url));
    try {
      // Connected first, so that they start as close to each other as they can.
      await Promise.all(connections.map(({ db }) => db.execute('SELECT 1')));
      await Promise.all(connections.map(({ db }) => createTables(db)));
      expect(await connections[0]!.db.$count(seats)).toBe(70);
    } finally {
      await Promise.all(connections.map(({ close }) => close()));
    }
  }, 20_000);

  it(`sell ${seatCount} seats to ${buyers} buyers: each seat once, every cent accounted for, cache and SQL agree`, async () => {
    await sql.query(`INSERT INTO wallets SELECT 'sale-' || n, ${MONEY} FROM generate_series(0, ${buyers - 1}) n`);
    await sql.query(
      `INSERT INTO events (id, name, price_cents, seat_count) VALUES ('sale', 'Sale', ${PRICE}, ${seatCount})`,
    );
    await sql.query(
      `INSERT INTO seats (id, event_id, number) SELECT 'sale-' || n, 'sale', n FROM generate_series(1, ${seatCount}) n`,
    );

    // A seat list is looked at before a sale opens. Filling it by all calls at once would test the patience of the pool.
    await offices[0]!.get('/events/sale/seats');
    const bought = await Promise.all(Array.from({ length: buyers }, (_, buyer) => buySeat(buyer, seatCount)));

    const answered = bought.filter((order) => order !== undefined);
    const sold = await rows<Order>(`SELECT id, seat_id AS "seatId", buyer, price_cents AS "priceCents" FROM orders`);
    expect(sold).toHaveLength(seatCount);
    expect(new Set(sold.map(({ seatId }) => seatId)).size).toBe(seatCount);
    expect(new Set(sold.map(({ buyer }) => buyer)).size).toBe(seatCount);
    const byId = (a: Order, b: Order): number => a.id.localeCompare(b.id);
    expect(answered.sort(byId)).toEqual(sold.sort(byId));

    const left = await numberOf(`SELECT sum(balance_cents) FROM wallets WHERE id LIKE 'sale-%'`);
    const revenue = await numberOf('SELECT sum(price_cents) FROM orders');
    expect(left + revenue).toBe(buyers * MONEY);
    expect(revenue).toBe(seatCount * PRICE);

    const seatRows = await rows<{ id: string; number: number; buyer: string }>(
      `SELECT id, number, buyer FROM seats WHERE event_id = 'sale'`,
    );
    const soldSeats = seatRows.map((seat): [string, Seat] => [
      seatKey(seat.id),
      { ...seat, status: 'sold', heldUntil: null },
    ]);
    expect(soldSeats).toHaveLength(seatCount);
    await expectEntriesToAgree(new Map(soldSeats));
    const wallets = await walletRows('sale-%');
    const payers = sold.map(({ buyer }): [string, Wallet] => [walletKey(buyer), wallets.get(walletKey(buyer))!]);
    expect(payers.every(([, { balanceCents }]) => balanceCents === MONEY - PRICE)).toBe(true);
    await expectEntriesToAgree(new Map(payers));
  }, 40_000);

  it('move money between the same wallets in both directions at once: no deadlock, no cent lost, cache and SQL agree', async () => {
    const names = ['a', 'b', 'c'].map((name) => `transfer-${name}`);
    await sql.query(`INSERT INTO wallets SELECT unnest($1::text[]), 10000`, [names]);

    // After each round only its last writers can be wrong: many short rounds look more often than a long one.
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => {
          const [from, to] = [names[i % 3], names[(i + (i % 2) + 1) % 3]];
          return offices[(i >> 1) % 2]!.post('/transfers', { from, to, amountCents: 1 + i });
        }),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const wallets = await walletRows('transfer-%');
      expect([...wallets.values()].reduce((sum, { balanceCents }) => sum + balanceCents, 0)).toBe(30_000);
      await expectEntriesToAgree(wallets);
    }
  }, 40_000);
});
