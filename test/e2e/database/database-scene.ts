import pg from 'pg';
import { redisStore, type CacheTxnModuleOptions } from 'nestjs-cache-txn';
import { type PgTransactional, pgTransactional, type PostgresMarkerOptions } from 'nestjs-cache-txn/pg';
import { FaultInjectingStore } from 'nestjs-cache-txn/testing';
import { eventually } from '../../support/eventually.js';
import { type PostgresServer, startPostgresServer } from '../../support/servers/postgres-server.js';
import type { RedisServer } from '../../support/servers/redis-server.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type TxnApp, type TxnAppOptions, TxnScene } from '../../support/txn-scene.js';

/** An application whose transactions PostgreSQL may decide. */
export interface Shop extends TxnApp {
  readonly store: FaultInjectingStore;
  readonly db: PgTransactional;
  readonly pool: pg.Pool;
}

export interface ShopOptions {
  readonly namespace?: string;
  /** Default: the Redis of the scene. */
  readonly redis?: RedisServer;
  readonly pool?: pg.PoolConfig;
  readonly markers?: PostgresMarkerOptions;
  readonly module?: Omit<CacheTxnModuleOptions, 'store' | 'namespace'>;
  readonly providers?: NonNullable<TxnAppOptions['providers']>;
  readonly controllers?: NonNullable<TxnAppOptions['controllers']>;
}

/** One PostgreSQL and one Redis for all tests of a spec; a table `seats`, and the markers in the default table. */
export class DatabaseScene {
  private readonly pools: pg.Pool[] = [];
  private namespaces = 0;

  private constructor(
    readonly postgres: PostgresServer,
    readonly scene: TxnScene,
    /** For looking at the rows: no transaction of any application. */
    readonly sql: pg.Pool,
  ) {}

  static async start(): Promise<DatabaseScene> {
    const [postgres, scene] = await Promise.all([startPostgresServer(), TxnScene.start()]);
    const sql = new pg.Pool({ connectionString: postgres.url });
    await sql.query('CREATE TABLE seats (id text PRIMARY KEY, buyer text)');
    return new DatabaseScene(postgres, scene, sql);
  }

  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.postgres.url, ...options });
    pool.on('error', () => undefined); // An idle connection that a test has ended.
    this.pools.push(pool);
    return pool;
  }

  async shop({
    namespace = this.namespace(),
    redis = this.scene.server,
    pool,
    markers,
    module = {},
    ...nest
  }: ShopOptions = {}): Promise<Shop> {
    const connections = this.pool(pool);
    const db = pgTransactional(connections, { createTable: true, ...markers });
    const store = new FaultInjectingStore(redisStore(storeOptions(redis)));
    const app = await this.scene.app({
      ...nest,
      module: { ...module, store, namespace, txn: { recovery: '50ms', ...module.txn, database: db } },
    });
    const isSwept = module.txn?.recovery !== false;
    // In a new namespace nobody knows whose data these are: what was committed before the first look would be made void.
    const noted = async (): Promise<boolean> =>
      (await store.readEntries(['nestjs-cache-txn/servers']))[0] !== undefined;
    if (isSwept) await eventually(noted, { what: 'the first look at the servers' });
    return { ...app, store, db, pool: connections };
  }

  /** A namespace that no other test has, so that several applications can share it. */
  namespace(): string {
    this.namespaces += 1;
    return `shop${this.namespaces}`;
  }

  async buyerOf(id: string): Promise<string | undefined> {
    const { rows } = await this.sql.query<{ buyer: string }>('SELECT buyer FROM seats WHERE id = $1', [id]);
    return rows[0]?.buyer;
  }

  /** Both halves of one purchase: its buyer as the cache and as the database have it. */
  async stateOf({ cache }: Shop, seat: string): Promise<readonly [unknown, string | undefined]> {
    return [await cache.get(seat), await this.buyerOf(seat)];
  }

  /** What the markers of a namespace's transactions say. */
  async markers(namespace: string): Promise<readonly string[]> {
    const { rows } = await this.sql.query<{ state: string }>(
      'SELECT state::text FROM cache_txn_marker WHERE namespace = $1',
      [namespace],
    );
    return rows.map(({ state }) => state);
  }

  /** Whether a prepared write waits at a key, as the server has it: whoever looks through the cache may settle it. */
  async hasIntent(namespace: string, key: string): Promise<boolean> {
    return (await this.scene.redis.hexists(`${namespace}:e:${key}`, 'i')) === 1;
  }

  async closeApps(): Promise<void> {
    await this.scene.closeApps();
    await Promise.all(this.pools.splice(0).map((pool) => pool.end()));
  }

  async stop(): Promise<void> {
    await this.closeApps();
    await Promise.all([this.sql.end(), this.scene.stop()]);
    await this.postgres.stop();
  }
}

/** The state of a purchase that has not happened. */
export const NOTHING = [undefined, undefined];

let seats = 0;

/** A seat that no other test has. */
export function newSeat(): string {
  seats += 1;
  return `seat:${seats}`;
}

export const INSERT = 'INSERT INTO seats VALUES ($1, $2)';
