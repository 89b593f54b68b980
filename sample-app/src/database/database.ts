import { PGlite } from '@electric-sql/pglite';
import { Logger } from '@nestjs/common';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import pg from 'pg';

/** Injection token of the {@link Database}. */
export const DATABASE = Symbol('database');

/** The database, or one transaction of it: inside `db.transaction(async (tx) => …)` everything goes through `tx`. */
export type Database = PgDatabase<PgQueryResultHKT>;

export interface DatabaseConnection {
  readonly db: Database;
  close(): Promise<void>;
}

/** PostgreSQL at `url`, else PostgreSQL embedded in this process, in memory. */
export function openDatabase(url: string | undefined): DatabaseConnection {
  if (url === undefined) {
    const client = new PGlite();
    return { db: drizzlePglite({ client }), close: () => client.close() };
  }
  const pool = new pg.Pool({
    connectionString: url,
    // Longer than the 5 s of a cache transaction, whose time-out says better what happened when many calls wait.
    connectionTimeoutMillis: 10_000,
    statement_timeout: 10_000,
  });
  // Without a listener, a connection that breaks while idle would end the process; the pool replaces it by itself.
  pool.on('error', (error) => new Logger('Database').warn(`An idle connection broke: ${error.message}`));
  return { db: drizzlePostgres({ client: pool }), close: () => pool.end() };
}
