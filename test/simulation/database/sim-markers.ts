import { StoreTimeoutError } from '../../../src/base/errors.js';
import { inTime } from '../../../src/base/in-time.js';
import type { ParticipantTransaction, TransactionFate } from '../../../src/commit/participants/participant.js';
import type { MarkingDatabase, RecentCommits } from '../../../src/commit/deciders/transaction-database.js';
import type { SimProcess } from '../world/sim-process.js';
import type { DatabaseLink } from './connection.js';
import { DatabaseError, SQL_STATES } from './database-error.js';

export const DATABASE_NAME = 'the simulated database';

/** How much longer than it may wait for an open transaction a question may take. */
const ON_THE_WAY_MS = 500;
const CONFLICTS: readonly string[] = [SQL_STATES.serializationFailure, SQL_STATES.deadlock];

/** The database as one process of the application has it: what `postgresMarkers` is with a PostgreSQL. */
export class SimMarkers implements MarkingDatabase {
  readonly name = DATABASE_NAME;

  constructor(
    protected readonly process: SimProcess,
    protected readonly link: DatabaseLink,
    private readonly askMs: number,
  ) {}

  resolve(txnId: string): Promise<TransactionFate> {
    const { askMs, link, process } = this;
    const asked = link.once(process, 'fence', txnId, () => link.database.fence(txnId, askMs));
    return this.inTime(askMs + ON_THE_WAY_MS, asked);
  }

  recentlyCommitted(): Promise<RecentCommits> {
    const { link, process } = this;
    return this.inTime(
      ON_THE_WAY_MS,
      link.once(process, 'recent', undefined, () => link.database.recentlyCommitted()),
    );
  }

  /** The statement as the connection reads it: {@link markOf}. */
  markSql(txn: ParticipantTransaction): string {
    return JSON.stringify(txn);
  }

  isConflict(error: unknown): boolean {
    return error instanceof DatabaseError && CONFLICTS.includes(error.code);
  }

  isTooLate(error: unknown): boolean {
    return error instanceof DatabaseError && error.code === SQL_STATES.idleInTransaction;
  }

  private inTime<T>(limitMs: number, answer: Promise<T>): Promise<T> {
    return inTime(this.process.clock, limitMs, answer, () => new StoreTimeoutError('the database did not answer'));
  }
}

/** What {@link SimMarkers.markSql} says. */
export function markOf(sql: string): ParticipantTransaction {
  return JSON.parse(sql) as ParticipantTransaction;
}
