import { fullJitterMs } from '../../base/backoff.js';
import { type Clock, sleep } from '../../base/clock.js';
import { ReplicasBehindError, TransactionInDoubtError } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { CommitRequest, ResolveOutcome } from '../../store/entry-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { inDoubtOf } from './replicas-behind.js';
import { OUTCOME_KEPT_MS } from '../protocol/times.js';

/** An answer "aborted" that comes later than this after the commit was sent may only mean that the record has expired. */
const TRUST_ABORT_MS = OUTCOME_KEPT_MS - 2_000;
/** The least time left to ask for a lost answer, even when the transaction's own deadline has passed. */
const ASK_AT_LEAST_MS = 2_000;
const PAUSE = { initialMs: 20, maxMs: 250 };

/** Asks for the answer to a commit that was lost, until it is there or cannot be trusted any more (protocol I5). */
export class OutcomeQuestion {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * What became of the commit; when it had not arrived by now, it is `aborted` for good.
   * @throws TransactionInDoubtError `TXN_IN_DOUBT`
   */
  async ask(request: CommitRequest, sentAtMs: number, deadlineMs: number): Promise<ResolveOutcome> {
    const untilMs = Math.min(Math.max(deadlineMs, this.clock.now() + ASK_AT_LEAST_MS), sentAtMs + TRUST_ABORT_MS);
    let cause: unknown;
    let tries = 0;
    do {
      try {
        const outcome = await this.store.resolveCommit(request);
        if (outcome.kind === 'committed' || this.clock.now() < sentAtMs + TRUST_ABORT_MS) return outcome;
      } catch (error) {
        cause = error;
        await sleep(this.clock, fullJitterMs(++tries, PAUSE, this.random));
      }
    } while (this.clock.now() < untilMs);
    if (cause instanceof ReplicasBehindError) throw inDoubtOf(cause, request);
    throw new TransactionInDoubtError(
      'the commit was sent, and the store answered neither it nor the question what became of it',
      { cause, details: { txnId: request.txnId, keys: request.operations.map(({ key }) => key) } },
    );
  }
}
