import { present } from '../../base/assert.js';
import { ReplicasBehindError } from '../../base/errors.js';
import type { CacheTxnStore } from '../../store/store.js';
import type { CommitTime, Decider } from './decider.js';
import type { Findings } from '../protocol/findings.js';
import type { IntentResolver } from '../recovery/intent-resolver.js';
import type { OutcomeQuestion } from './outcome-question.js';
import type { Plan } from '../protocol/plan.js';
import type { Result } from '../protocol/protocol.js';
import { inDoubtOf } from './replicas-behind.js';
import { OUTCOME_KEPT_MS } from '../protocol/times.js';

/** What a slot needs to decide. */
export interface SlotDeciderDependencies {
  readonly store: CacheTxnStore;
  readonly question: OutcomeQuestion;
  readonly resolver: IntentResolver;
}

/** The first slot of the plan decides; where nothing is written there is nothing to decide but for the voters. */
export class SlotDecider implements Decider {
  mayDecideLater = false;
  /** Set when the decision stands, on the master alone. */
  private replicasBehind: ReplicasBehindError | undefined;

  constructor(
    private readonly deps: SlotDeciderDependencies,
    private readonly plan: Plan,
    private readonly isUrgent: boolean,
    private readonly time: CommitTime,
    private readonly findings: Findings,
  ) {}

  mark(): Promise<Result> {
    return Promise.resolve('done');
  }

  async decide(): Promise<Result> {
    const { findings, isUrgent, plan, time } = this;
    const { txnId, checks } = plan;
    const operations = this.writes;
    if (operations.length === 0) {
      time.assertMayDecide();
      return 'done';
    }
    const outcome = await this.deps.resolver.past(async () => {
      time.assertMayDecide();
      try {
        const answer = await this.deps.store.decide({ txnId, operations, checks, ...(isUrgent && { isUrgent }) });
        this.mayDecideLater = true;
        return answer;
      } catch (error) {
        if (error instanceof ReplicasBehindError) this.replicasBehind = error;
        throw error;
      }
    });
    return outcome.kind === 'committed'
      ? findings.accept(checks, outcome.versions.slice(operations.length))
      : findings.refuse(outcome);
  }

  async ask(): Promise<Result> {
    const { findings, time } = this;
    const { txnId, checks } = this.plan;
    const writes = this.writes;
    const request = { txnId, operations: [...writes, ...checks], guards: [], outcomeTtlMs: OUTCOME_KEPT_MS };
    if (this.replicasBehind !== undefined) {
      // Decided, and the replicas have had their time. The other slots wait for whoever clears up: a decision that a
      // failover takes back shall not have made half of the transaction visible.
      findings.fail(inDoubtOf(this.replicasBehind, { txnId, operations: writes }));
      return 'lost';
    }
    try {
      const outcome = await this.deps.question.ask(request, time.decidesAtMs, time.undecidedUntilMs);
      return outcome.kind === 'committed' ? findings.accept(checks, outcome.versions.slice(writes.length)) : 'refused';
    } catch (error) {
      findings.fail(error);
      return 'lost';
    }
  }

  async retire(): Promise<Result> {
    await this.deps.store.retireDecision({ txnId: this.plan.txnId, decider: this.key }, OUTCOME_KEPT_MS);
    return 'done';
  }

  /** The abort record is what everybody needs to know. */
  async abort(): Promise<void> {}

  /** What its intents, and those of the other slots, name as their decider. */
  get key(): string {
    return present(this.writes[0], 'a write of the slot that decides').key;
  }

  private get writes() {
    return this.plan.parts[0]?.operations ?? [];
  }
}
