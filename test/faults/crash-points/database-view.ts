import pg from 'pg';

import { markerTableSql } from '../../../src/pg/marker-table.js';
import { eventually } from '../../support/eventually.js';
import { type PostgresServer, startPostgresServer } from '../../support/servers/postgres-server.js';
import { makeRows } from './rows.js';

/** Owners that are all at their failpoints, twice: those who are stopped, and who come after them. */
const ARGS = ['-c', 'max_connections=400'];

/** The PostgreSQL of the crash points, with its tables. */
export async function startCrashDatabase(): Promise<PostgresServer> {
  const server = await startPostgresServer({ args: ARGS });
  const client = new pg.Pool({ connectionString: server.url, max: 1 });
  try {
    await client.query(markerTableSql());
    await makeRows(client);
  } finally {
    await client.end();
  }
  return server;
}

/** Sessions with an open transaction, and those that wait for one, when everybody has had the time to end. */
export async function openSessions(pool: pg.Pool, withinMs: number): Promise<readonly string[]> {
  const find = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ what: string }>(
      "SELECT concat_ws(', ', state, wait_event, query) AS what FROM pg_stat_activity " +
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' " +
        "AND (state LIKE 'idle in transaction%' OR wait_event_type = 'Lock')",
    );
    return rows.map(({ what }) => `session: ${what}`);
  };
  let found: readonly string[] = [];
  const areNone = async (): Promise<boolean> => (found = await find()).length === 0;
  await eventually(areNone, { what: 'the sessions to end', withinMs }).catch(() => undefined);
  return found;
}

export async function countMarkers(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM cache_txn_marker');
  return rows[0]?.count ?? 0;
}

/** As if the time were over for which all markers that there are have to be kept. */
export async function ageMarkers(pool: pg.Pool): Promise<void> {
  await pool.query("UPDATE cache_txn_marker SET created_at = created_at - interval '1 day'");
}
