import type { TransactionParticipant } from '../commit/participants/participant.js';

/** How a transaction ended. `in-doubt`: its commit was sent and nobody could say in time what became of it. */
export type TransactionOutcome = 'committed' | 'rolled-back' | 'in-doubt';

/** Runs in order of registration and is awaited. */
export type TransactionHook = () => void | Promise<void>;

/** Cache writes that become visible together or not at all, as the code inside sees them. */
export interface Transaction {
  readonly id: string;
  /** 1, and one more for each retry after a version conflict. */
  readonly attempt: number;
  /** Aborts when the transaction can no longer commit: time-out, a lost lock, a client that went away. */
  readonly signal: AbortSignal;
  /** Lets everything go on but commits nothing: the outermost caller gets a `TransactionRolledBackError`. */
  setRollbackOnly(reason?: string): void;
  /**
   * Lets a participant vote on the commit and act on its outcome. One that decides (`resolve`) has to be the `database` of the module,
   * and the only one of its transaction.
   * @throws TransactionStateError `TXN_STATE`
   */
  enlist(participant: TransactionParticipant): void;
  /** Runs before the commit, still inside the transaction; throwing vetoes the commit. */
  beforeCommit(hook: TransactionHook): void;
  /** Runs when everything is visible; an error goes to the log and changes nothing. */
  afterCommit(hook: TransactionHook): void;
  /** Runs when nothing became visible. */
  afterRollback(hook: TransactionHook): void;
  /** Runs last, whatever the outcome. */
  afterCompletion(hook: (outcome: TransactionOutcome) => void | Promise<void>): void;
}

/** What runs as a transaction. */
export type Work<T> = (txn: Transaction) => T | Promise<T>;
