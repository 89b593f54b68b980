import type { Pool } from 'pg';
import { TransactionStateError } from '../base/errors.js';
import type { TransactionDatabase } from '../commit/deciders/transaction-database.js';
import { postgresMarkers } from '../pg/postgres-markers.js';
import type { CommandContext } from './command.js';
import { asUsage, UsageError } from './usage-error.js';

/** The options of commands that may have to ask a database. */
export const DATABASE_OPTIONS = {
  'database-url': { type: 'string' },
  table: { type: 'string' },
} as const;

/** A database that can be asked, and how to leave it. */
export interface OpenDatabase {
  readonly database: TransactionDatabase;
  readonly close: () => Promise<void>;
}

/** What of `pg` is needed. */
export interface PgPackage {
  readonly default: {
    readonly Client: new (options: object) => {
      connect(): Promise<unknown>;
      query(sql: string): Promise<unknown>;
      end(): Promise<void>;
      on(event: 'error', listener: () => void): unknown;
    };
    readonly Pool: new (options: object) => Pool;
  };
}

/** Connecting, and each statement. */
const TIMEOUT_MS = 10_000;

/** Undefined where no database is named. @throws UsageError for what is no address */
export function databaseOf(
  values: { readonly 'database-url'?: string | undefined; readonly table?: string | undefined },
  { load }: Pick<CommandContext, 'load'>,
): ((namespace: string) => Promise<OpenDatabase>) | undefined {
  const { 'database-url': connectionString, table } = values;
  if (connectionString === undefined) return undefined;
  checkUrl(connectionString);
  return async (namespace) => {
    const { Pool } = (await loadPg(load)).default;
    const pool = new Pool({ connectionString, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
    pool.on('error', () => undefined);
    const database = asUsage(() => postgresMarkers(pool, table === undefined ? {} : { table }));
    const close = async (): Promise<void> => {
      await database.stop();
      await pool.end();
    };
    try {
      await database.start({
        namespace,
        transactions: NO_TRANSACTIONS,
        report: () => undefined,
        warn: () => undefined,
      });
    } catch (error) {
      await close();
      throw error;
    }
    return { database, close };
  };
}

export async function loadPg(load: CommandContext['load']): Promise<PgPackage> {
  try {
    return (await load('pg')) as PgPackage;
  } catch (error) {
    throw new Error('--database-url needs the package pg: npm install pg', { cause: error });
  }
}

/** @throws UsageError; its message does not repeat the address, which may carry a password */
export function checkUrl(text: string): void {
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return;
  throw new UsageError('--database-url: it is no URL such as postgres://user:password@host:5432/shop');
}

/** A command begins none. */
const NO_TRANSACTIONS = {
  active: () => undefined,
  withDatabase: refuse,
  nestInDatabase: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new TransactionStateError('the command nestjs-cache-txn begins no transactions'));
}
