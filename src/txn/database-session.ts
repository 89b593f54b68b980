import { callScope, ScopeKey } from '../base/async-scope.js';
import type { Clock } from '../base/clock.js';
import { StoreTimeoutError, StoreUnavailableError, VersionConflictError } from '../base/errors.js';
import { inTime } from '../base/in-time.js';
import { Settlement } from '../base/settlement.js';
import type {
  DecidingParticipant,
  ParticipantTransaction,
  TransactionFate,
} from '../commit/participants/participant.js';
import type { BeginDatabaseTransaction, MarkingDatabase, RunSql } from '../commit/deciders/transaction-database.js';
import type { ActiveTransaction } from './active-transaction.js';

/** How long the caller of a failed commit waits for the database to roll back: longer only one takes that answers nobody. */
const ROLLING_BACK_MS = 1_000;

/** The transaction whose database transaction the call is inside of. */
const DECIDED = new ScopeKey<string>('decided by a database');

/** Whether the call is inside of the database transaction that decides this one. */
export function isWithinDatabase({ id }: ActiveTransaction): boolean {
  return callScope.get(DECIDED) === id;
}

/**
 * Lets one database transaction decide `txn`: before its COMMIT the mark is written and the cache prepares, and after it the cache
 * publishes. Whether a COMMIT whose answer was lost has happened is asked for, unless rows alone were changed: those have left no mark.
 *
 * @throws what the database, its work or the commit of the cache throws; VersionConflictError `VERSION_CONFLICT` for a
 * serialization failure or a deadlock of the database; StoreUnavailableError `STORE_UNAVAILABLE` when it came too late
 */
export async function decideByDatabase<T>(
  txn: ActiveTransaction,
  database: MarkingDatabase,
  begin: BeginDatabaseTransaction<T>,
  clock: Clock,
): Promise<T> {
  const session = new DatabaseSession(database);
  txn.enlist(session);
  // Its own result may never come: the server is frozen, or cut off. The commit knows what became of it all the same.
  const committed = new Settlement<T>();
  const running = callScope.run(DECIDED, txn.id, () =>
    begin(async (run, result) => {
      session.run = run;
      const committing = txn.commitNow();
      committing.then(
        () => committed.resolve(result),
        (error: unknown) => committed.reject(error),
      );
      session.isReached = true;
      await Promise.race([session.isPrepared, committing]);
    }),
  );
  try {
    return await Promise.race([committed.promise, ended(session, running, committed.promise)]);
  } catch (error) {
    // Its rows are free when the caller goes on, or tries again.
    const tooLate = (): Error => new StoreTimeoutError(`${database.name} did not answer ROLLBACK`);
    await inTime(clock, ROLLING_BACK_MS, running, tooLate).catch(() => undefined);
    if (database.isConflict(error)) throw asConflict(error);
    throw database.isTooLate(error) ? asTooLate(error) : error;
  }
}

/** Tells the commit how the database transaction has ended; what that means for the transaction, the commit says. */
async function ended<T>(session: DatabaseSession, running: Promise<T>, committed: Promise<T>): Promise<T> {
  try {
    const answer = await running;
    session.committed();
    if (session.isReached) await committed;
    return answer;
  } catch (error) {
    session.failed(error);
    // Its error says more than the one with which the database was made to roll back.
    if (session.isReached) return committed;
    throw error;
  }
}

/** One database transaction as the participant that decides: its `commit` lets the database go on, and tells how that ended. */
class DatabaseSession implements DecidingParticipant {
  readonly name: string;
  /** Its work is done, and the commit has begun. */
  isReached = false;
  run: RunSql = () => Promise.reject(new Error('the database transaction has not reached its end'));
  private readonly prepared = new Settlement();
  private readonly ended = new Settlement();

  constructor(private readonly database: MarkingDatabase) {
    this.name = database.name;
  }

  /** Resolves when every slot has prepared: the database may commit. */
  get isPrepared(): Promise<void> {
    return this.prepared.promise;
  }

  committed(): void {
    this.ended.resolve();
  }

  failed(error: unknown): void {
    this.ended.reject(error);
  }

  async prepare(txn: ParticipantTransaction): Promise<void> {
    await this.run(this.database.markSql(txn));
  }

  commit(): Promise<void> {
    this.prepared.resolve();
    return this.ended.promise;
  }

  /** The failing commit makes the database roll back. */
  abort(): void {}

  resolve(txnId: string): Promise<TransactionFate> {
    return this.database.resolve(txnId);
  }
}

function asTooLate(cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    'the database closed the connection of the transaction, which did not commit in the time that it had left; nothing is visible',
    { cause },
  );
}

function asConflict(cause: unknown): VersionConflictError {
  return new VersionConflictError(
    'the database refused the transaction because of a concurrent one; nothing is visible',
    {
      cause,
      details: { keys: [] },
    },
  );
}
