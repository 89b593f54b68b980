import type { DatabaseArbiter } from '../commit/deciders/database-arbiter.js';
import { SETTLED_KEPT_MS } from '../commit/protocol/times.js';
import { DATABASE_DECIDES } from '../store/intent.js';
import type { RollOutcome, UndecidedRoll } from '../store/member-operations.js';
import type { CacheTxnStore } from '../store/store.js';

/** Finds out how a transaction ended whose owner does not say, and tells everybody. */
export class RollArbiter {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly database: DatabaseArbiter,
  ) {}

  /**
   * Undefined while its owner may still decide, and where nobody can tell now. What it answers is what the roll says: a decision that
   * everybody has heard of is forgotten after a while, and looks then as if it had never been made.
   */
  async settle(name: string, roll: UndecidedRoll): Promise<RollOutcome | undefined> {
    const fate = await this.ask(roll);
    if (fate !== 'committed' && fate !== 'aborted') return undefined;
    return this.store.concludeRoll({ name, txnId: roll.txnId, outcome: fate, rememberMs: SETTLED_KEPT_MS });
  }

  private async ask({ txnId, decider, deadlineMs }: UndecidedRoll): Promise<string> {
    if (decider === DATABASE_DECIDES) return this.database.ask(txnId);
    return (await this.store.askDecision({ txnId, decider, deadlineMs })).kind;
  }
}
