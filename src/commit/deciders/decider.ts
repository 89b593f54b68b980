import { StoreUnavailableError } from '../../base/errors.js';
import type { Clock } from '../../base/clock.js';
import type { Proposal } from '../protocol/proposal.js';
import type { Result } from '../protocol/protocol.js';
import { LEAST_LEFT_MS, MOST_LEFT_MS, PREPARING_AT_MOST_MS } from '../protocol/times.js';

/** Who decides a commit, and how: a slot of the store, or a database. */
export interface Decider {
  /** A request to decide has arrived and decided nothing: a copy of it still may. */
  readonly mayDecideLater: boolean;
  /** Before anything is prepared. */
  mark(): Promise<Result>;
  /** The commit point. */
  decide(): Promise<Result>;
  /** What became of the decision, or of what may have got lost of it. */
  ask(): Promise<Result>;
  /** Every slot has settled. */
  retire(): Promise<Result>;
  /** The transaction is not committed. */
  abort(): Promise<void>;
}

/** The time that a commit has, by the clock of its owner. */
export class CommitTime {
  readonly leftMs: number;
  /** When it was, or will be, decided at the latest by its owner. */
  decidesAtMs: number;
  private readonly startedAtMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly proposal: Proposal,
  ) {
    this.startedAtMs = clock.now();
    this.decidesAtMs = this.startedAtMs;
    this.leftMs = Math.min(Math.max(proposal.deadlineMs - this.startedAtMs, LEAST_LEFT_MS), MOST_LEFT_MS);
  }

  /** Until then a lost decision may still be made, by anybody. */
  get undecidedUntilMs(): number {
    return Math.max(this.proposal.deadlineMs, this.decidesAtMs + this.leftMs);
  }

  /**
   * A round trip has gone by since the locks were looked at; those of other stores are known here alone.
   * @throws StoreUnavailableError, LockLostError
   */
  assertMayDecide(): void {
    this.decidesAtMs = this.clock.now();
    const tookMs = this.decidesAtMs - this.startedAtMs;
    if (tookMs > PREPARING_AT_MOST_MS) {
      throw new StoreUnavailableError(
        `the slots took ${Math.round(tookMs)} ms to prepare the commit, the limit is ${PREPARING_AT_MOST_MS}; nothing is visible`,
        { details: { txnId: this.proposal.txnId } },
      );
    }
    this.proposal.assertLocksHeld?.();
  }
}
