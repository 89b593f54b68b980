import { fullJitterMs } from '../base/backoff.js';
import { type Clock, sleep } from '../base/clock.js';
import { ReplicasBehindError, StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { CommitOutcome, CommitRequest } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import type { IntentResolver, Resolution } from './recovery/intent-resolver.js';
import type { OutcomeQuestion } from './deciders/outcome-question.js';
import { hasWrites } from './protocol/plan.js';
import type { CommittedVersions, Proposal } from './protocol/proposal.js';
import { refusalError } from './protocol/refusal.js';
import { inDoubtOf } from './deciders/replicas-behind.js';
import { MOST_IN_PASSING, OUTCOME_KEPT_MS } from './protocol/times.js';

/** Between two looks at an intent that is not decided. */
const PAUSE = { initialMs: 50, maxMs: 50 };

/**
 * The commit of one slot: one script applies everything or nothing (protocol section 3).
 *
 * An answer that was lost is asked for; a commit that had not run by then is refused for good, so the caller learns
 * what happened rather than that something may have.
 */
export class OneSlotCommit {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly question: OutcomeQuestion,
    private readonly resolver: IntentResolver,
    private readonly random: Random,
  ) {}

  /**
   * @throws VersionConflictError, PreconditionFailedError, LockLostError, StoreUnavailableError: nothing is visible, now or
   * later
   * @throws TransactionInDoubtError `TXN_IN_DOUBT` when the store answered nobody in time, or its replicas did not
   */
  async commit(proposal: Proposal): Promise<CommittedVersions> {
    const { txnId, operations, guards } = proposal;
    const writes = hasWrites(operations);
    const request: CommitRequest = {
      txnId,
      operations,
      guards,
      outcomeTtlMs: writes ? OUTCOME_KEPT_MS : 0,
      ...(proposal.isUrgent && { isUrgent: true }),
    };
    let outcome = await this.send(request, writes, proposal);
    for (let passed = 0; outcome.kind === 'intent' && passed < MOST_IN_PASSING;) {
      const { key } = outcome;
      const { kind } = await this.resolve(outcome, txnId);
      if (kind === 'settled') passed += 1;
      else if (!this.mayWait(key, proposal)) break;
      else await sleep(this.clock, fullJitterMs(1, PAUSE, this.random));
      proposal.assertLocksHeld?.();
      outcome = await this.send(request, writes, proposal);
    }
    if (outcome.kind !== 'committed') throw refusalError([outcome], proposal);
    const { versions } = outcome;
    return new Map(operations.map(({ key }, i) => [key, versions[i] ?? 0]));
  }

  /**
   * What expects nothing of a key cannot be in conflict about it, so it waits for the owner of the intent, or for its deadline. It
   * has no intents of its own that somebody could wait for in turn.
   */
  private mayWait(key: string, { operations, deadlineMs }: Proposal): boolean {
    const isExpecting = operations.some((operation) => operation.key === key && operation.expected !== undefined);
    return !isExpecting && this.clock.now() < deadlineMs;
  }

  /** Nothing of the commit is applied: that the intent's slots do not answer is no doubt about it. */
  private async resolve(
    { key, intent }: Extract<CommitOutcome, { kind: 'intent' }>,
    txnId: string,
  ): Promise<Resolution> {
    try {
      return await this.resolver.resolve(key, intent);
    } catch (error) {
      if (!(error instanceof StoreTimeoutError)) throw error;
      throw new StoreUnavailableError(
        `another transaction is writing ${key}, and the store does not say what became of it; nothing is visible`,
        { cause: error, details: { txnId, key } },
      );
    }
  }

  private async send(request: CommitRequest, writes: boolean, { deadlineMs }: Proposal): Promise<CommitOutcome> {
    const sentAtMs = this.clock.now();
    try {
      return await this.store.commit(request);
    } catch (error) {
      if (!(error instanceof StoreTimeoutError) || !writes) throw error;
      // Its outcome is known, and the replicas have had their time.
      if (error instanceof ReplicasBehindError) throw inDoubtOf(error, request);
      const outcome = await this.question.ask(request, sentAtMs, deadlineMs);
      if (outcome.kind === 'committed') return outcome;
      throw new StoreUnavailableError('the commit did not reach the store; nothing of it is visible', {
        cause: error,
        details: { txnId: request.txnId },
      });
    }
  }
}
