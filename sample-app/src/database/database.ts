import { PGlite } from '@electric-sql/pglite';
import { Logger } from '@nestjs/common';
import type { TransactionalAdapter } from '@nestjs-cls/transactional';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT, PgTransactionConfig } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { type PostgresMarkers, postgresMarkers } from 'nestjs-cache-txn/pg';
import pg from 'pg';

/** Injection token of the {@link Database}. */
export const DATABASE = Symbol('database');

export type Database = PgDatabase<PgQueryResultHKT>;

/** For `TransactionHost<SqlAdapter>`, whose `tx` is the transaction of the call, or the database outside of one. */
export type SqlAdapter = TransactionalAdapter<Database, Database, PgTransactionConfig>;

export interface DatabaseConnection {
  readonly db: Database;
  /** Of the cache transactions that this database decides. */
  readonly markers: PostgresMarkers;
  close(): Promise<void>;
}

/** An application with migrations puts what `markerTableSql()` returns into one instead. */
const MARKERS = { createTable: true };

/** PostgreSQL at `url`, else PostgreSQL embedded in this process, in memory. */
export function openDatabase(url: string | undefined): DatabaseConnection {
  if (url === undefined) {
    const client = new PGlite();
    return {
      db: drizzlePglite({ client }),
      markers: postgresMarkers(client, MARKERS),
      close: () => client.close(),
    };
  }
  const pool = new pg.Pool({
    connectionString: url,
    // Longer than the 5 s of a cache transaction, whose time-out says better what happened when many calls wait.
    connectionTimeoutMillis: 10_000,
    statement_timeout: 10_000,
  });
  // Without a listener, a connection that breaks would end the process; the pool replaces it, and its query fails by itself.
  const warn = (error: Error): void => new Logger('Database').warn(`A connection broke: ${error.message}`);
  pool.on('error', warn);
  pool.on('connect', (client) => client.on('error', warn));
  return {
    db: drizzlePostgres({ client: pool }),
    markers: postgresMarkers(pool, MARKERS),
    close: () => pool.end(),
  };
}
