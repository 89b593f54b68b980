import type { Pool, PoolClient } from 'pg';
import { systemClock } from '../base/clock.js';
import { InvalidOptionsError, StoreTimeoutError } from '../base/errors.js';
import { inTime } from '../base/in-time.js';
import { hearPoolErrors } from './pool-errors.js';

/** A row as the driver hands it over. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs SQL beside the transactions of the application, which may hold every connection of its pool while they wait for an answer. */
export interface SideConnection {
  /**
   * Statements in one round trip; the rows of the last one that answers any. On an error nothing of a transaction stays open.
   * @throws StoreTimeoutError when nobody answers within `limitMs`; the statements may run later all the same
   */
  run(sql: string, limitMs: number): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** PostgreSQL inside the process: PGlite, or what has the same method. */
export interface EmbeddedPostgres {
  exec(sql: string): Promise<readonly { readonly rows: readonly unknown[] }[]>;
}

/** Where questions go: the pool of the application, beside which a small one is opened, or an embedded PostgreSQL. */
export type PostgresSource = Pool | EmbeddedPostgres;

/** Connections that ask: one that waits for an open transaction must not be in the way of all other questions. */
const SIDE_CONNECTIONS = 2;
const CONNECTING_MS = 5_000;

/**
 * @param onError hears of connections, of the application as well, that ended while nobody was using them
 * @throws InvalidOptionsError `INVALID_OPTIONS` for what is neither
 */
export function sideConnection(source: PostgresSource, onError: (error: Error) => void): SideConnection {
  if (typeof (source as Partial<EmbeddedPostgres> | undefined)?.exec === 'function') {
    return new EmbeddedConnection(source as EmbeddedPostgres);
  }
  if (typeof (source as Partial<Pool> | undefined)?.connect === 'function') {
    return new SidePool(source as Pool, onError);
  }
  throw new InvalidOptionsError('give a pool of pg, or a PGlite', { details: { option: 'source' } });
}

class SidePool implements SideConnection {
  private readonly pool: Pool;
  private readonly hearNoMore: () => void;

  constructor(source: Pool, onError: (error: Error) => void) {
    const { constructor, options } = source;
    const Same = constructor as new (settings: Pool['options']) => Pool;
    // The driver hides the password from copies.
    const { password, connectionTimeoutMillis = 0 } = options;
    const settings = {
      ...{ ...options, ...(password !== undefined && { password }), max: SIDE_CONNECTIONS, min: 0 },
      // For ever, where nobody has said; the application could not close before.
      connectionTimeoutMillis: connectionTimeoutMillis || CONNECTING_MS,
    };
    this.pool = new Same(settings);
    hearPoolErrors(this.pool, onError);
    this.hearNoMore = hearPoolErrors(source, onError);
  }

  async run(sql: string, limitMs: number): Promise<readonly Row[]> {
    const connecting = this.pool.connect();
    const client = await inTime(systemClock, limitMs, connecting, unanswered).catch((error: unknown) => {
      connecting.then((late) => late.release()).catch(() => undefined);
      throw error;
    });
    try {
      const answer: unknown = await inTime(systemClock, limitMs, client.query(sql), unanswered);
      client.release();
      return lastRows(Array.isArray(answer) ? answer : [answer]);
    } catch (error) {
      const isOpen = !(error instanceof StoreTimeoutError) && (await this.endsTransaction(client, limitMs));
      client.release(!isOpen);
      throw error;
    }
  }

  close(): Promise<void> {
    this.hearNoMore();
    return this.pool.end();
  }

  /** Ends whatever the failed statements have begun; a connection that cannot even do that is thrown away. */
  private async endsTransaction(client: PoolClient, limitMs: number): Promise<boolean> {
    const rolledBack = client.query('ROLLBACK').then(() => true);
    return inTime(systemClock, limitMs, rolledBack, unanswered).catch(() => false);
  }
}

function unanswered(): StoreTimeoutError {
  return new StoreTimeoutError('the database did not answer a question in time');
}

/**
 * It has one connection, and makes whoever asks wait while a transaction is open in it; a transaction that asks would wait for
 * itself, so this is where the limit matters.
 */
class EmbeddedConnection implements SideConnection {
  constructor(private readonly source: EmbeddedPostgres) {}

  async run(sql: string, limitMs: number): Promise<readonly Row[]> {
    return lastRows(await inTime(systemClock, limitMs, this.exec(sql), unanswered));
  }

  private async exec(sql: string): ReturnType<EmbeddedPostgres['exec']> {
    try {
      return await this.source.exec(sql);
    } catch (error) {
      await this.source.exec('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** It belongs to the application. */
  async close(): Promise<void> {}
}

function lastRows(results: readonly unknown[]): readonly Row[] {
  const answers = results.map((result) => (result as { readonly rows?: readonly Row[] }).rows ?? []);
  return answers.findLast((rows) => rows.length > 0) ?? [];
}
