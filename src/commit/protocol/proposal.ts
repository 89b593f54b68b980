import type { CommitOperation, Expectation, LockGuard } from '../../store/entry-operations.js';
import type { DecidingParticipant, TransactionParticipant } from '../participants/participant.js';

/** What the client of the call demands of one key. */
export interface Demand {
  readonly key: string;
  readonly expected: Expectation;
}

/** A transaction as the commit sees it. */
export interface Proposal {
  readonly txnId: string;
  readonly operations: readonly CommitOperation[];
  readonly guards: readonly LockGuard[];
  /** It relies on a lock of another store, which was looked at just now. */
  readonly isUrgent?: boolean;
  /** Looks at all locks again, where the commit takes more than one round trip. @throws LockLostError `LOCK_LOST` */
  readonly assertLocksHeld?: () => void;
  /** By the local clock: until then a lost answer is asked for. */
  readonly deadlineMs: number;
  /** The client's own condition (`If-Match`): its mismatch is a 412, not a conflict. */
  readonly demanded?: Demand | undefined;
  /** Who votes, and acts on the outcome. */
  readonly voters?: readonly TransactionParticipant[];
  /** Who decides in place of a slot. */
  readonly decider?: DecidingParticipant | undefined;
}

/** Version of each key of the transaction after the commit. */
export type CommittedVersions = ReadonlyMap<string, number>;
