import type { Clock } from '../base/clock.js';
import {
  StoreUnavailableError,
  TransactionRolledBackError,
  TransactionStateError,
  VersionConflictError,
} from '../base/errors.js';
import type { ParticipantTransaction, SpeakingParticipant } from '../commit/participants/participant.js';
import { rollKey } from '../commit/participants/roll-key.js';
import { LATE_PREPARE_REFUSED_MS, SETTLED_KEPT_MS } from '../commit/protocol/times.js';
import type { RollOutcome } from '../store/member-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import type { RollArbiter } from './roll-arbiter.js';
import type { HintBox, VoteHints } from './vote-hints.js';

/** Between two looks of an owner that hears nothing. */
const LOOK_MS = 200;
/** Transactions without an owner that one roll call clears out of its way. */
const MOST_IN_PASSING = 3;

/** What an owner needs. */
export interface RollVoteDependencies {
  readonly store: CacheTxnStore;
  readonly clock: Clock;
  readonly hints: VoteHints;
  readonly arbiter: RollArbiter;
}

/** Speaks for the participants of one name on all nodes: calls the roll, waits for the votes, and tells them the outcome. */
export class RollVote implements SpeakingParticipant {
  readonly isHeardElsewhere = true;
  readonly name: string;
  /** Its roll call may arrive after the transaction has ended. */
  private isCallUnderway = false;

  constructor(
    private readonly deps: RollVoteDependencies,
    private readonly participants: string,
    private readonly payload: string,
  ) {
    this.name = `participant ${participants}`;
  }

  /**
   * @throws VersionConflictError `VERSION_CONFLICT` while another transaction with the same participants is on its way
   * @throws TransactionRolledBackError `TXN_ROLLED_BACK` when one of them votes against it
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` when one of them does not answer in time
   */
  async prepare(txn: ParticipantTransaction): Promise<void> {
    const { clock, hints } = this.deps;
    const untilMs = clock.now() + txn.leftMs;
    const box = hints.open(this.participants, txn.id);
    if (box === undefined) throw enlistedTwice(this.participants, txn.id);
    try {
      const members = await this.call(txn);
      if (members > 0) await this.votes(txn, box, untilMs);
    } finally {
      box.close();
    }
  }

  commit({ id }: ParticipantTransaction): Promise<void> {
    return this.conclude(id, 'committed', SETTLED_KEPT_MS);
  }

  abort({ id }: ParticipantTransaction): Promise<void> {
    return this.conclude(id, 'aborted', this.isCallUnderway ? LATE_PREPARE_REFUSED_MS : SETTLED_KEPT_MS);
  }

  private async conclude(txnId: string, outcome: RollOutcome, rememberMs: number): Promise<void> {
    await this.deps.store.concludeRoll({ name: this.participants, txnId, outcome, rememberMs });
  }

  /** Answers how many members there are. */
  private async call({ id: txnId, decider, leftMs }: ParticipantTransaction): Promise<number> {
    const { participants: name, payload } = this;
    for (let passed = 0; ; passed += 1) {
      this.isCallUnderway = true;
      const outcome = await this.deps.store.callRoll({ name, txnId, payload, decider, leftMs });
      this.isCallUnderway = false;
      if (outcome.kind === 'called') return outcome.members;
      if (outcome.kind === 'over') throw late(name, txnId);
      const settled = passed < MOST_IN_PASSING ? await this.deps.arbiter.settle(name, outcome.roll) : undefined;
      if (settled === undefined) throw inUse(name, txnId);
    }
  }

  private async votes({ id, leftMs }: ParticipantTransaction, box: HintBox, untilMs: number): Promise<void> {
    const { clock, store } = this.deps;
    const { participants: name } = this;
    while (clock.now() < untilMs) {
      const heard = await box.wait(Math.min(LOOK_MS, untilMs - clock.now()));
      if (heard?.isReady === true) return;
      // It stays a vote against, also when its node has gone since.
      if (heard !== undefined) throw vetoed(name, id);
      const state = await store.readRoll(name, id);
      if (state.kind === 'ready') return;
      if (state.kind === 'vetoed') throw vetoed(name, id);
      if (state.kind === 'over') throw late(name, id);
    }
    throw new StoreUnavailableError(
      `not every participant ${name} voted within ${Math.round(leftMs)} ms; nothing is visible`,
      { details: { txnId: id, participant: name } },
    );
  }
}

function enlistedTwice(participant: string, txnId: string): TransactionStateError {
  return new TransactionStateError(
    `the participants ${participant} are enlisted twice in one transaction; say all that there is to say in one payload`,
    { details: { txnId, participant } },
  );
}

function inUse(participant: string, txnId: string): VersionConflictError {
  return new VersionConflictError(
    `another transaction with the participants ${participant} is on its way; nothing is visible`,
    { details: { txnId, participant, keys: [rollKey(participant)] } },
  );
}

function late(participant: string, txnId: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `the transaction had ended when its participants ${participant} were asked; nothing is visible`,
    { details: { txnId, participant } },
  );
}

function vetoed(participant: string, txnId: string): TransactionRolledBackError {
  return new TransactionRolledBackError(
    `a participant ${participant} voted against the transaction, and the log of its node says why; nothing is visible`,
    { details: { txnId, participant } },
  );
}
