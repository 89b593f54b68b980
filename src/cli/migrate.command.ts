import { markerTableSql } from '../pg/marker-table.js';
import { type Command, type CommandContext, parse } from './command.js';
import { checkUrl, loadPg } from './database-arguments.js';
import { asUsage } from './usage-error.js';

const OPTIONS = {
  print: { type: 'boolean' },
  table: { type: 'string' },
  'database-url': { type: 'string' },
} as const;

const HELP = `nestjs-cache-txn migrate [--print] [options]

Prints the statements that make the table of transaction markers in PostgreSQL, or runs them.
They may be run again: what is there stays.

  --print                      print, also with --database-url; the default without it
  --table cache_txn_marker     another name, with or without a schema
  --database-url postgres://…  run them there, with the package pg; what the URL does not
                               say comes from PGUSER, PGPASSWORD and so on`;

/** Connecting and each statement; the table of a busy application may be locked for a moment. */
const TIMEOUT_MS = 10_000;

/** Several deployments may migrate at once, and CREATE … IF NOT EXISTS alone can fail then. */
const ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('nestjs-cache-txn migrate'))";

/** Makes the marker table. */
export const migrate: Command = {
  name: 'migrate',
  summary: 'prints or runs the SQL that makes the table of transaction markers',
  help: HELP,
  async run(args, context) {
    const { values } = parse(args, OPTIONS);
    const url = values['database-url'];
    const sql = asUsage(() => markerTableSql(values.table));
    if (url === undefined || values.print) for (const line of sql.trimEnd().split('\n')) context.out(line);
    if (url === undefined) return 0;
    checkUrl(url);
    await execute(url, sql, context);
    context.err('done: the table and its index are there.');
    return 0;
  },
};

async function execute(connectionString: string, sql: string, { load }: CommandContext): Promise<void> {
  const { Client } = (await loadPg(load)).default;
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: TIMEOUT_MS,
    statement_timeout: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  // The same failure rejects a call below.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    await client.query(ONE_AT_A_TIME);
    await client.query(sql);
    await client.query('COMMIT');
  } finally {
    await client.end().catch(() => undefined);
  }
}
