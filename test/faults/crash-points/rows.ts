import type pg from 'pg';

/** What a row of the crash points is: the value that its entry has as well, and how often it was written. */
export interface CrashRow {
  readonly value: string;
  readonly version: number;
}

type Sql = pg.Pool | pg.PoolClient;

export async function makeRows(client: Sql): Promise<void> {
  await client.query('CREATE TABLE crash_rows (id text PRIMARY KEY, value text NOT NULL, version int NOT NULL)');
}

/** Inserts or updates; the lock of a row orders those who write it, until the end of their transactions. */
export async function replaceRows(client: Sql, ids: readonly string[], value: string): Promise<void> {
  await client.query(
    'INSERT INTO crash_rows SELECT id, $2, 1 FROM unnest($1::text[]) AS id ' +
      'ON CONFLICT (id) DO UPDATE SET value = excluded.value, version = crash_rows.version + 1',
    [ids, value],
  );
}

/** What is committed, at one moment; nothing for rows that are not there. */
export async function readRows(client: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, CrashRow>> {
  const { rows } = await client.query<CrashRow & { id: string }>(
    'SELECT id, value, version FROM crash_rows WHERE id = ANY ($1)',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
