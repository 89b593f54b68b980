import type { Intent } from '../store/intent.js';
import type { CacheTxnStore } from '../store/store.js';
import { SETTLED_KEPT_MS } from './times.js';

/** What became of an intent that somebody has met. */
export type Resolution =
  /** It is gone: the key can be read, or written, again. */
  | { readonly kind: 'settled' }
  /** Its owner may still decide; until then the value beside it counts. `nowMs` is the time of the slot that decides. */
  | { readonly kind: 'pending'; readonly nowMs: number };

/** Settles intents of others in passing: whoever needs a key does not wait for the owner of its intent (protocol section 3). */
export class IntentResolver {
  constructor(private readonly store: CacheTxnStore) {}

  /** @throws StoreUnavailableError, StoreTimeoutError when one of the two slots does not answer */
  async resolve(key: string, intent: Intent): Promise<Resolution> {
    const decision = await this.store.askDecision(intent);
    if (decision.kind === 'pending') return { kind: 'pending', nowMs: decision.nowMs };
    const { txnId, anchor } = intent;
    await this.store.settle({ txnId, verdict: decision.kind, keys: [key], anchor, rememberMs: SETTLED_KEPT_MS });
    return { kind: 'settled' };
  }
}
