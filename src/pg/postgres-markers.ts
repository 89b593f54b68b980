import { type Duration, toMs } from '../base/duration.js';
import { CacheTxnError, InvalidOptionsError, StoreUnavailableError, TransactionStateError } from '../base/errors.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import { shownAs } from '../base/shown-as.js';
import type { ParticipantTransaction, TransactionFate } from '../commit/participants/participant.js';
import type {
  DatabaseContext,
  DatabaseTransactions,
  MarkingDatabase,
  MarkedTransaction,
  RecentCommits,
} from '../commit/deciders/transaction-database.js';
import { DATABASE_DECIDES } from '../store/intent.js';
import { DEFAULT_TABLE, markerTableSql, tableName } from './marker-table.js';
import { isConcurrencyFailure, isIdleLimit, sqlStateOf } from './postgres-errors.js';
import { type PostgresSource, type Row, type SideConnection, sideConnection } from './side-connection.js';
import { sqlText } from './sql-text.js';

/** Options of {@link postgresMarkers} and of `pgTransactional`. */
export interface PostgresMarkerOptions {
  /** The table of the markers, with or without a schema. Default `'cache_txn_marker'`. */
  readonly table?: string;
  /** Makes the table at the start of the module when it is missing. Default false: `npx nestjs-cache-txn migrate` prints its SQL. */
  readonly createTable?: boolean;
  /** How long a question waits for a transaction that is still open, before it says so. Default `'250ms'`; 10 ms to 10 s. */
  readonly askTimeout?: Duration;
  /**
   * How far back what was committed is made void when the servers of the store have changed: longer than that takes to be noticed.
   * Default `'5m'`; 30 s to 1 day.
   */
  readonly replay?: Duration;
  /** How long markers are kept. Default `'1h'`; at least as long as `replay` and 1 minute, up to 30 days. */
  readonly keep?: Duration;
}

const OPTIONS: OptionNames<PostgresMarkerOptions> = {
  table: true,
  createTable: true,
  askTimeout: true,
  replay: true,
  keep: true,
};

const LOCK_NOT_AVAILABLE = '55P03';
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_SCHEMA = '3F000';
/** Any number that nobody else is likely to lock. */
const CREATION_LOCK = 6_021_971_405;
/** What looks at many markers, or makes their table, may take. */
const LONGEST_MS = 30_000;
/** How much longer than `askTimeout` the way to the database and back may take. */
const ON_THE_WAY_MS = 500;
/** Markers that one statement forgets: short enough to be in nobody's way. */
const FORGOTTEN_AT_ONCE = 10_000;

/**
 * The markers of cache transactions that a PostgreSQL decides: one row for each, written by the last statement of its own database
 * transaction. So a row is there exactly if the transaction is committed, and inserting it from elsewhere makes sure that it never
 * will be (measured with PostgreSQL 15 at every isolation level; protocol section 3).
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function postgresMarkers(source: PostgresSource, options: PostgresMarkerOptions = {}): PostgresMarkers {
  return new PostgresMarkers(source, options);
}

export class PostgresMarkers implements MarkingDatabase {
  readonly name: string;
  private readonly table: string;
  private readonly askMs: number;
  private readonly replayMs: number;
  private readonly keepMs: number;
  private context: DatabaseContext | undefined;
  private side: SideConnection | undefined;

  /** @internal */
  constructor(
    private readonly source: PostgresSource,
    private readonly options: PostgresMarkerOptions,
  ) {
    onlyOptions(options, OPTIONS, 'postgresMarkers');
    const { table = DEFAULT_TABLE, askTimeout = '250ms', replay = '5m', keep = '1h' } = options;
    this.table = tableName(table);
    this.name = `postgres ${table}`;
    this.askMs = toMs(askTimeout, 'askTimeout', { min: 10, max: 10_000 });
    this.replayMs = toMs(replay, 'replay', { min: 30_000, max: 86_400_000 });
    this.keepMs = toMs(keep, 'keep', { min: Math.max(this.replayMs, 60_000), max: 2_592_000_000 });
  }

  /**
   * The coordinator of the module that it was given to.
   * @throws TransactionStateError `TXN_STATE` before the module has started
   */
  get transactions(): DatabaseTransactions {
    return this.started().transactions;
  }

  /**
   * @throws InvalidOptionsError `INVALID_OPTIONS` when another module has it, or the table is missing; StoreUnavailableError `STORE_UNAVAILABLE`
   * when the database does not let itself be used
   */
  async start(context: DatabaseContext): Promise<void> {
    if (this.context !== undefined) {
      throw new InvalidOptionsError('txn.database: this object belongs to another module already; make one for each', {
        details: { option: 'txn.database' },
      });
    }
    this.context = context;
    try {
      this.side = sideConnection(this.source, (error) => {
        context.report(error, { during: 'an idle connection to the database' });
      });
      await this.findTable();
    } catch (error) {
      await this.stop();
      throw error instanceof CacheTxnError ? error : unusable(error);
    }
  }

  private async findTable(): Promise<void> {
    const find = `SELECT txid, state, namespace, keys, created_at FROM ${this.table} LIMIT 0`;
    try {
      await this.ask(find);
    } catch (error) {
      if (![UNDEFINED_TABLE, UNDEFINED_SCHEMA].includes(sqlStateOf(error) ?? '')) throw error;
      if (!this.options.createTable) {
        throw new InvalidOptionsError(
          `there is no table ${this.table} for the markers of transactions: run the SQL that \`npx nestjs-cache-txn migrate\` prints, or set createTable`,
          { cause: error, details: { option: 'table' } },
        );
      }
      // One process at a time: those that start together would collide in the catalogue, whatever IF NOT EXISTS says.
      await this.ask(`SELECT pg_advisory_xact_lock(${CREATION_LOCK}); ${markerTableSql(this.options.table)}`);
    }
  }

  async stop(): Promise<void> {
    const { side } = this;
    this.side = undefined;
    this.context = undefined;
    await side?.close();
  }

  /**
   * The server ends a session that does not commit in the time that is left: locks of the call may have gone to others by then. A
   * shorter limit that the application has set stays. Where nobody will ask there is no row, so that a transaction may be read-only.
   */
  markSql({ id, keys, leftMs, isAskedFor }: ParticipantTransaction): string {
    const setting = "'idle_in_transaction_session_timeout'";
    const present = `NULLIF(extract(epoch FROM current_setting(${setting})::interval) * 1000, 0)`;
    const limit = `set_config(${setting}, ceil(LEAST(${present}, ${Math.ceil(leftMs)}))::bigint::text, true)`;
    if (!isAskedFor) return `SELECT ${limit}`;
    const values = [sqlText(id), "'C'", sqlText(this.started().namespace), sqlText(JSON.stringify(keys))];
    return (
      `WITH limited AS MATERIALIZED (SELECT ${limit}) ` +
      `INSERT INTO ${this.table} (txid, state, namespace, keys) SELECT ${values.join(', ')} FROM limited`
    );
  }

  isConflict(error: unknown): boolean {
    return isConcurrencyFailure(error);
  }

  isTooLate(error: unknown): boolean {
    return isIdleLimit(error);
  }

  /** The fence: blocks on the owner's open transaction, then finds its marker, or has made sure that there will be none. */
  async resolve(txnId: string): Promise<TransactionFate> {
    const id = sqlText(txnId);
    try {
      const [row] = await this.ask(
        'BEGIN ISOLATION LEVEL READ COMMITTED; ' +
          `SET LOCAL lock_timeout = ${this.askMs}; ` +
          `INSERT INTO ${this.table} (txid, state) VALUES (${id}, 'A') ON CONFLICT (txid) DO NOTHING; ` +
          `SELECT state::text AS state FROM ${this.table} WHERE txid = ${id}; ` +
          'COMMIT',
        this.askMs + ON_THE_WAY_MS,
      );
      return row?.['state'] === 'C' ? 'committed' : row?.['state'] === 'A' ? 'aborted' : 'pending';
    } catch (error) {
      if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return 'pending';
      throw error;
    }
  }

  /** One statement, so one snapshot: whatever ended before its `xmin` is in it. */
  async recentlyCommitted(): Promise<RecentCommits> {
    const recent =
      `SELECT json_agg(json_build_array(txid, keys, ${microseconds('created_at')})) FROM ${this.table} WHERE state = 'C' ` +
      `AND namespace = ${sqlText(this.started().namespace)} AND created_at > ${ago(this.replayMs)}`;
    const [row] = await this.ask(
      `SELECT pg_snapshot_xmin(now_open)::text AS ended, pg_snapshot_xmax(now_open)::text AS next, ${microseconds('clock_timestamp()')} AS now_us, (${recent})::text AS recent ` +
        'FROM (SELECT pg_current_snapshot() AS now_open) AS present',
    );
    const { ended, next, now_us: now, recent: rows } = row ?? {};
    if (typeof ended !== 'string' || typeof next !== 'string' || typeof now !== 'string')
      throw new Error(`${this.name} answered no snapshot`);
    const transactions = typeof rows === 'string' ? transactionsOf(JSON.parse(rows)) : [];
    return { transactions, nowUs: BigInt(now), endedBefore: BigInt(ended), nextBegin: BigInt(next) };
  }

  async forgetOld(): Promise<void> {
    for (;;) {
      const old = `SELECT ctid FROM ${this.table} WHERE created_at < ${ago(this.keepMs)} LIMIT ${FORGOTTEN_AT_ONCE}`;
      const [row] = await this.ask(
        `WITH gone AS (DELETE FROM ${this.table} WHERE ctid = ANY (ARRAY (${old})) RETURNING 1) SELECT count(*)::int AS count FROM gone`,
      );
      if (Number(row?.['count'] ?? 0) < FORGOTTEN_AT_ONCE) return;
    }
  }

  private ask(sql: string, limitMs = LONGEST_MS): Promise<readonly Row[]> {
    this.started();
    if (this.side === undefined) throw new TransactionStateError('the connection for questions is closed');
    return this.side.run(sql, limitMs);
  }

  private started(): DatabaseContext {
    if (this.context !== undefined) return this.context;
    throw new TransactionStateError(
      `${this.name} belongs to no module that has started: give this very object to forRoot({ txn: { database } }), another one of the same pool does not count`,
    );
  }
}

function unusable(cause: unknown): StoreUnavailableError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new StoreUnavailableError(
    `txn.database: PostgreSQL cannot be used (${message || code}): is it running, and are address, user and database of the pool right?`,
    { cause },
  );
}

/** Since 1970, as digits: more than a number of JSON should hold. */
function microseconds(time: string): string {
  return `(extract(epoch FROM ${time}) * 1000000)::bigint::text`;
}

/** By the clock of the database, which also wrote `created_at`. */
function ago(ms: number): string {
  return `clock_timestamp() - interval '${ms} milliseconds'`;
}

function transactionsOf(rows: unknown): MarkedTransaction[] {
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown): MarkedTransaction[] => {
    const [txnId, text, markedAt] = Array.isArray(row) ? (row as unknown[]) : [];
    const keys: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    if (typeof txnId !== 'string' || typeof markedAt !== 'string' || !Array.isArray(keys)) return [];
    const some = keys.filter((key) => typeof key === 'string');
    return [{ txnId, keys: some, decider: DATABASE_DECIDES, markedAtUs: BigInt(markedAt) }];
  });
}

shownAs(PostgresMarkers, ({ name }) => ({ name }));
