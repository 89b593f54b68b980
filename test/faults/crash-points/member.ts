import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheTxnModule, LockService, redisStore, TransactionalCache, TransactionCoordinator } from 'nestjs-cache-txn';
import { FaultInjectingStore } from 'nestjs-cache-txn/testing';
import pg from 'pg';

import { present } from '../../../src/base/assert.js';
import { clusterStoreOptions, type ServerAddress } from '../../support/servers/redis-access.js';
import type { Cell } from './cells.js';
import { DatabaseDoor } from './database-door.js';
import { replaceRows } from './rows.js';

/** Renewed while the process lives. */
const LEASE_MS = 1_000;
const SWEEP_EVERY_MS = 50;
const COMMAND_MS = 1_000;
/** All transactions of a process that are at their failpoints at the same time have one each. */
const MOST_CONNECTIONS = 200;
const CONNECTING_MS = 10_000;
/** Nobody waits for a row for longer than its owner may take. */
const STATEMENT_MS = 10_000;

export interface CrashMemberOptions {
  readonly nodes: readonly ServerAddress[];
  readonly namespace: string;
  /** What a transaction may take until its commit, and with it about how long only its owner may decide. */
  readonly txnMs: number;
  /** Where the PostgreSQL is that decides transactions; undefined without one. */
  readonly database?: string | undefined;
}

/** An application on the cluster, as Nest makes it, with a door between the library and its store, and one to its database. */
export interface CrashMember {
  readonly store: FaultInjectingStore;
  readonly cache: TransactionalCache;
  readonly coordinator: TransactionCoordinator;
  readonly locks: LockService;
  readonly database: DatabaseDoor | undefined;
  close(): Promise<void>;
}

export async function startMember({
  database: url,
  nodes,
  namespace,
  txnMs,
}: CrashMemberOptions): Promise<CrashMember> {
  const store = new FaultInjectingStore(redisStore({ ...clusterStoreOptions({ nodes }), commandTimeout: COMMAND_MS }));
  const database = url === undefined ? undefined : new DatabaseDoor(connectionsTo(url));
  // Errors that failpoints throw at the sweeper are the business of these tests; Nest would print them.
  Logger.overrideLogger(false);
  const app = await NestFactory.createApplicationContext(
    CacheTxnModule.forRoot({
      store,
      namespace,
      lock: { lease: LEASE_MS },
      txn: { timeout: txnMs, recovery: SWEEP_EVERY_MS, ...(database && { database: database.db }) },
    }),
    { logger: false, abortOnError: false },
  );
  return {
    store,
    cache: app.get(TransactionalCache),
    coordinator: app.get(TransactionCoordinator),
    locks: app.get(LockService),
    database,
    async close() {
      await app.close();
      await database?.pool.end();
    },
  };
}

/** Replaces all keys of the cell, and where a database decides the rows behind them, in the transaction of the call. */
export async function replaceAll({ cache, database }: CrashMember, cell: Cell, value: string): Promise<void> {
  const { keys, shape } = cell;
  const setAll = (): Promise<void> =>
    cache.setMany(Object.fromEntries(keys.map((key) => [key, value])), { ttl: '10m' });
  if (shape.decider === 'slot') return setAll();
  await present(database, 'the database that decides').db.transaction(async (client) => {
    await replaceRows(client, keys, value);
    await setAll();
  });
}

function connectionsTo(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    ...{ connectionString, max: MOST_CONNECTIONS, connectionTimeoutMillis: CONNECTING_MS },
    ...{ idleTimeoutMillis: 0, statement_timeout: STATEMENT_MS },
  });
  // The server ends the sessions of owners that are stopped for too long.
  pool.on('error', () => undefined);
  return pool;
}
