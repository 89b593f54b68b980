import { DATABASE_DECIDES, type Intent } from '../../store/intent.js';
import type { CommitOutcome } from '../../store/entry-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { DatabaseArbiter } from '../deciders/database-arbiter.js';
import { LATE_PREPARE_REFUSED_MS, MOST_IN_PASSING, SETTLED_KEPT_MS } from '../protocol/times.js';

/** What became of an intent that somebody has met. */
export type Resolution =
  /** It is gone: the key can be read, or written, again. */
  | { readonly kind: 'settled' }
  /** Its owner may still decide; until then the value beside it counts. `nowMs` is the time of the slot that was asked. */
  | { readonly kind: 'pending'; readonly nowMs: number };

type Met = Extract<CommitOutcome, { kind: 'intent' }>;

/** Settles intents of others in passing: whoever needs a key does not wait for the owner of its intent (protocol section 3). */
export class IntentResolver {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly arbiter = new DatabaseArbiter(undefined),
  ) {}

  /** @throws StoreUnavailableError, StoreTimeoutError when one of the two slots does not answer */
  async resolve(key: string, intent: Intent): Promise<Resolution> {
    const { anchor, decider, deadlineMs, txnId } = intent;
    if (decider === DATABASE_DECIDES) return this.askDatabase(key, intent);
    const decision = await this.store.askDecision({ txnId, decider, deadlineMs });
    if (decision.kind === 'pending') return decision;
    const verdict = decision.kind === 'committed' ? 'committed' : 'aborted';
    await this.store.settle({ txnId, verdict, keys: [key], anchor, rememberMs: SETTLED_KEPT_MS, isInPassing: true });
    return { kind: 'settled' };
  }

  /** Sends again while a decided intent of somebody else was in the way, which is settled first (protocol section 4). */
  async past<T extends { readonly kind: string }>(send: () => Promise<T | Met>): Promise<T | Met> {
    let outcome = await send();
    for (let passed = 0; isIntent(outcome) && passed < MOST_IN_PASSING; passed += 1) {
      const { kind } = await this.resolve(outcome.key, outcome.intent);
      if (kind === 'pending') break;
      outcome = await send();
    }
    return outcome;
  }

  /** Past the deadline the database is asked, never presumed; whatever it says, recovery only invalidates (protocol I6). */
  private async askDatabase(key: string, { anchor, deadlineMs, txnId }: Intent): Promise<Resolution> {
    const { arbiter, store } = this;
    const here = await store.askDecision({ txnId, decider: anchor, deadlineMs, isDecidedElsewhere: true });
    if (here.kind === 'pending') return here;
    if (here.kind === 'overdue' && (await arbiter.ask(txnId)) === 'pending') return { kind: 'pending', nowMs: 0 };
    await store.settle({ txnId, verdict: 'void', keys: [key], anchor, rememberMs: LATE_PREPARE_REFUSED_MS });
    return { kind: 'settled' };
  }
}

function isIntent(outcome: { readonly kind: string }): outcome is Met {
  return outcome.kind === 'intent';
}
