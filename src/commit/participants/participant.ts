/** A transaction as those see it that take part in its commit. */
export interface ParticipantTransaction {
  readonly id: string;
  /** Keys that it writes to the cache. */
  readonly keys: readonly string[];
  /** The one of them whose slot decides the transaction; `''` where a database does, and where nothing is written. */
  readonly decider: string;
  /** How long it may still be decided, in ms from the first call with it. */
  readonly leftMs: number;
  /** Whether anybody may ask what became of it: it writes to the cache, or somebody else votes on it. */
  readonly isAskedFor: boolean;
}

/** What became of a transaction; `pending`: its owner may still commit it, or nobody can tell now. */
export type TransactionFate = 'committed' | 'aborted' | 'pending';

/**
 * Takes part in the commit of a transaction beside the cache: `txn.enlist(participant)`.
 *
 * All participants and slots prepare; when all have, the transaction is decided; then all hear `commit`, or else `abort`. Each
 * call may be a promise, is awaited, and has the time that the transaction has left.
 */
export interface TransactionParticipant {
  /** For messages, and what ties a decider to `forRoot({ txn: { database } })`. */
  readonly name: string;
  /** Makes sure that `commit` will succeed; throwing votes against the transaction, and its caller gets the error. */
  prepare(txn: ParticipantTransaction): void | Promise<void>;
  /** The transaction is committed. An error goes to the log, and changes nothing. */
  commit(txn: ParticipantTransaction): void | Promise<void>;
  /** The transaction is not committed. Only for who was asked to prepare, whatever became of that; an error goes to the log. */
  abort(txn: ParticipantTransaction): void | Promise<void>;
  /**
   * Makes this participant the one that decides: its `prepare` goes before all others', its `commit` after them, and is the commit
   * point; when that throws, `resolve` tells what became of it. A transaction has one decider at most, and it is the `database` of the module, which
   * processes that clear up after others ask as well: an answer `aborted` must be final.
   */
  resolve?(txnId: string): Promise<TransactionFate>;
}

/** A participant that decides. */
export type DecidingParticipant = TransactionParticipant & Required<Pick<TransactionParticipant, 'resolve'>>;

export function isDecider(participant: TransactionParticipant): participant is DecidingParticipant {
  return typeof participant.resolve === 'function';
}

/**
 * A participant that speaks for others and has told them of a commit when its `commit` resolves: until then the decision is not forgotten, and
 * whoever clears up tells them instead.
 */
export interface SpeakingParticipant extends TransactionParticipant {
  readonly isHeardElsewhere: true;
}

export function isSpeaking(participant: TransactionParticipant): participant is SpeakingParticipant {
  return 'isHeardElsewhere' in participant;
}
