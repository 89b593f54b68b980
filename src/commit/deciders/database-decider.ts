import { fullJitterMs } from '../../base/backoff.js';
import { type Clock, sleep } from '../../base/clock.js';
import { StoreTimeoutError, TransactionInDoubtError } from '../../base/errors.js';
import type { ErrorSink } from '../../base/error-sink.js';
import { inTime } from '../../base/in-time.js';
import type { Random } from '../../base/random.js';
import type { CommitTime, Decider } from './decider.js';
import type { Findings } from '../protocol/findings.js';
import type { DecidingParticipant, ParticipantTransaction } from '../participants/participant.js';
import type { Result } from '../protocol/protocol.js';
import { PREPARING_AT_MOST_MS } from '../protocol/times.js';

/** Between two questions about a commit that the database has not ended yet. */
const PAUSE = { initialMs: 20, maxMs: 250 };

/** For so long it is asked at the least, and once more after that: the first question may go the way of the COMMIT that was lost. */
const ASKING_MS = 2_000;

/** What asking a database needs. */
export interface DatabaseDeciderDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}

/**
 * The user's own database decides: its COMMIT is the commit point, and whoever does not know whether it happened asks the database.
 */
export class DatabaseDecider implements Decider {
  /** Nobody but its own connection can commit a database transaction. */
  readonly mayDecideLater = false;
  /** The COMMIT has not been answered in time, and may come yet. */
  private unanswered: StoreTimeoutError | undefined;

  constructor(
    private readonly deps: DatabaseDeciderDependencies,
    private readonly participant: DecidingParticipant,
    private readonly txn: ParticipantTransaction,
    private readonly time: CommitTime,
    private readonly findings: Findings,
    /** Its time to commit is limited by locks that others may get after it. */
    private readonly isUnderLocks: boolean,
  ) {}

  /** What nobody asks for and no lock limits is the database's affair alone, and costs it no statement. */
  async mark(): Promise<Result> {
    if (!this.txn.isAskedFor && !this.isUnderLocks) return 'done';
    await this.inTime(this.participant.prepare(this.txn));
    return 'done';
  }

  async decide(): Promise<Result> {
    this.time.assertMayDecide();
    try {
      await this.inTime(this.participant.commit(this.txn));
      return 'done';
    } catch (error) {
      if (error instanceof StoreTimeoutError) this.unanswered = error;
      this.findings.fail(error);
      return 'lost';
    }
  }

  /** One that has changed nothing in the cache has left no mark to ask for: then its own error is all that there is to say, if it has one. */
  async ask(): Promise<Result> {
    if (!this.txn.isAskedFor) return this.unanswered === undefined ? 'refused' : this.inDoubt(this.unanswered);
    const { clock, random } = this.deps;
    // Whoever is told gives the locks of the call back: not while a COMMIT that the database takes long over may still come.
    const outlastingMs = this.isUnderLocks ? PREPARING_AT_MOST_MS : 0;
    // The COMMIT itself may have had all the time there was.
    const untilMs = Math.max(this.time.undecidedUntilMs + outlastingMs, clock.now() + ASKING_MS);
    let tries = 0;
    let cause: unknown;
    let isLast: boolean;
    do {
      // Its process may have been stopped for all the time there was, with a question on its way.
      isLast = clock.now() >= untilMs;
      const limitMs = isLast ? Math.min(ASKING_MS, this.txn.leftMs) : this.txn.leftMs;
      try {
        const fate = await this.inTime(this.participant.resolve(this.txn.id), limitMs);
        if (fate !== 'pending') return fate === 'committed' ? 'done' : 'refused';
      } catch (error) {
        cause = error;
      }
      if (!isLast) await sleep(clock, fullJitterMs(++tries, PAUSE, random));
    } while (!isLast);
    return this.inDoubt(cause);
  }

  private inDoubt(cause: unknown): Result {
    const { name } = this.participant;
    const { id: txnId, isAskedFor, keys } = this.txn;
    const silence = isAskedFor
      ? 'neither it nor the question what became of it'
      : 'nothing, and has no mark of it to ask for';
    this.findings.fail(
      new TransactionInDoubtError(`the commit was sent to ${name}, which answered ${silence}`, {
        cause,
        details: { txnId, keys },
      }),
    );
    return 'lost';
  }

  /** A database that is frozen, or cut off without a word, answers nothing at all. */
  private inTime<T>(work: T | Promise<T>, limitMs = this.txn.leftMs): Promise<T> {
    const { name } = this.participant;
    const { id: txnId } = this.txn;
    return inTime(
      this.deps.clock,
      limitMs,
      Promise.resolve(work),
      () =>
        new StoreTimeoutError(`${name} did not answer within ${limitMs} ms`, { details: { txnId, participant: name } }),
    );
  }

  retire(): Promise<Result> {
    return Promise.resolve('done');
  }

  async abort(): Promise<void> {
    try {
      await this.participant.abort(this.txn);
    } catch (error) {
      this.deps.report(error, { during: `abort of a transaction by ${this.participant.name}` });
    }
  }
}
