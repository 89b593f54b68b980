import type {
  ParticipantTransaction,
  TransactionFate,
  TransactionParticipant,
} from '../commit/participants/participant.js';
import type { TransactionDatabase } from '../commit/deciders/transaction-database.js';
import { StoreTimeoutError } from '../base/errors.js';

/** One call of a participant. */
export interface ParticipantCall {
  readonly step: 'prepare' | 'commit' | 'abort';
  readonly txnId: string;
  /** Keys that the transaction writes to the cache. */
  readonly keys: readonly string[];
}

/** Takes part in commits as a test wants it, and notes what it was told. */
export class MemoryParticipant implements TransactionParticipant {
  private readonly noted: ParticipantCall[] = [];
  private veto: Error | undefined;

  /** @internal */
  constructor(readonly name: string) {}

  /** What it was told, in order. */
  get calls(): readonly ParticipantCall[] {
    return this.noted;
  }

  /** The steps alone. */
  get steps(): readonly ParticipantCall['step'][] {
    return this.noted.map(({ step }) => step);
  }

  /** Votes against the next transaction. */
  vetoNext(reason: Error = new Error(`${this.name} votes against it`)): void {
    this.veto = reason;
  }

  prepare(txn: ParticipantTransaction): void {
    this.note('prepare', txn);
    const { veto } = this;
    this.veto = undefined;
    if (veto !== undefined) throw veto;
  }

  commit(txn: ParticipantTransaction): void {
    this.note('commit', txn);
  }

  abort(txn: ParticipantTransaction): void {
    this.note('abort', txn);
  }

  private note(step: ParticipantCall['step'], { id, keys }: ParticipantTransaction): void {
    this.noted.push({ step, txnId: id, keys });
  }
}

/**
 * A database that decides: give it to `forRoot({ txn: { database } })`, and enlist it in the transactions that it is to decide.
 * Nodes of one test may share it, as they share a server.
 */
export class MemoryDatabase extends MemoryParticipant implements TransactionDatabase {
  private readonly fates = new Map<string, TransactionFate>();
  private losing: 'before' | 'after' | undefined;

  /** What it says of a transaction without being asked to decide. */
  fateOf(txnId: string): TransactionFate | undefined {
    return this.fates.get(txnId);
  }

  /** The next COMMIT is lost before it has run, or its answer is. */
  loseNextCommit(when: 'before' | 'after'): void {
    this.losing = when;
  }

  override prepare(txn: ParticipantTransaction): void {
    this.fates.set(txn.id, 'pending');
    super.prepare(txn);
  }

  override commit(txn: ParticipantTransaction): void {
    const { losing } = this;
    this.losing = undefined;
    // Somebody else may have made sure that it never commits.
    if (losing === 'before' || this.fates.get(txn.id) === 'aborted') throw new StoreTimeoutError(LOST);
    this.fates.set(txn.id, 'committed');
    super.commit(txn);
    if (losing === 'after') throw new StoreTimeoutError(LOST);
  }

  override abort(txn: ParticipantTransaction): void {
    if (this.fates.get(txn.id) !== 'committed') this.fates.set(txn.id, 'aborted');
    super.abort(txn);
  }

  /** Whoever asks about one that is not committed makes sure that it never will be. */
  resolve(txnId: string): Promise<TransactionFate> {
    const fate = this.fates.get(txnId) === 'committed' ? 'committed' : 'aborted';
    this.fates.set(txnId, fate);
    return Promise.resolve(fate);
  }
}

const LOST = 'the database did not answer COMMIT';

/** A participant for `txn.enlist(…)` that notes what it is told, and votes against a transaction when it is told to. */
export function memoryParticipant(name = 'memory participant'): MemoryParticipant {
  return new MemoryParticipant(name);
}

/** A database in memory that decides transactions, and loses a COMMIT or its answer when it is told to. */
export function memoryDatabase(name = 'memory database'): MemoryDatabase {
  return new MemoryDatabase(name);
}
