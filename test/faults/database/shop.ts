import 'reflect-metadata';
import { Logger, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  redisStore,
  TransactionalCache,
  TransactionCoordinator,
  type CacheTxnStore,
} from 'nestjs-cache-txn';
import { pgTransactional, type PgTransactional } from 'nestjs-cache-txn/pg';
import pg from 'pg';

import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { TXN_MS } from '../cluster/list-append.js';

/** Where a shop finds its servers. */
export interface ShopOptions {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Where each node is reached instead, by its own address: a proxy. */
  readonly ways?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  readonly database: string;
  readonly namespace: string;
  /** Puts something between the library and its store. */
  readonly wrap?: (store: CacheTxnStore) => CacheTxnStore;
  /** How long it waits for its calls when it closes. Default 2,000. */
  readonly graceMs?: number;
}

/** One application whose rows and entries change together. */
export interface Shop {
  readonly app: INestApplicationContext;
  readonly cache: TransactionalCache;
  readonly coordinator: TransactionCoordinator;
  readonly db: PgTransactional;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** Short, so that a frozen server is given up soon. */
const COMMAND_MS = 500;
const CONNECTIONS = 8;
const GRACE_MS = 2_000;

export async function startShop(options: ShopOptions): Promise<Shop> {
  const { database, graceMs = GRACE_MS, namespace, nodes, ways, wrap = (store) => store } = options;
  const { cluster } = clusterStoreOptions({ nodes });
  const reached = nodes.map(({ host, port }) => ways?.[`${host}:${port}`] ?? { host, port });
  const store = redisStore({
    cluster: { nodes: reached, options: { ...cluster.options, ...(ways && { natMap: ways }) } },
    commandTimeout: COMMAND_MS,
  });
  const pool = new pg.Pool({ connectionString: database, max: CONNECTIONS, connectionTimeoutMillis: 2_000 });
  // A database that dies takes its connections with it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = pgTransactional(pool);
  const library = CacheTxnModule.forRoot({
    store: wrap(store),
    namespace,
    txn: { timeout: TXN_MS, database: db, recovery: '200ms' },
    cache: { ttl: '10m' },
    shutdownGrace: graceMs,
  });
  @Module({ imports: [library] })
  class ShopModule {}
  // Outages are the business of these tests; Nest would print them.
  Logger.overrideLogger(false);
  const app = await NestFactory.createApplicationContext(ShopModule, { logger: false, abortOnError: false });
  return {
    app,
    cache: app.get(TransactionalCache),
    coordinator: app.get(TransactionCoordinator),
    db,
    pool,
    async close() {
      await app.close();
      await pool.end();
    },
  };
}
