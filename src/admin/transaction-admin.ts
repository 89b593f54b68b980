import { shownAs } from '../base/shown-as.js';
import type { Recovery, Settlement } from '../commit/recovery/recovery.js';
import type { ListedTransaction } from '../store/intent-operations.js';
import type { CacheTxnStore } from '../store/store.js';

/**
 * Transactions that are looked at, those overdue for longest first. Far more than are on their way at once, and few enough
 * for one answer of each list.
 */
const MOST_LISTED = 10_000;

/** A transaction over several slots that is on its way, or that its owner has left. */
export interface InDoubtTransaction {
  /** `Transaction.id` of its owner. */
  readonly id: string;
  /** The keys that it writes; the first is the decider, unless a database is. */
  readonly keys: readonly string[];
  /** Milliseconds, by the server's time. Above 0 it should be over: its owner is gone or very slow. Below, its owner has this much left. */
  readonly overdueMs: number;
  /**
   * What the slot that decides says; `pending` while nothing is decided, `unknown` when it did not answer. `database`: the database of the
   * module decides, and is asked by {@link TransactionAdmin.resolve}.
   */
  readonly decision: ListedTransaction['decision'];
}

/**
 * For operators: what is left of commits over several slots, and how it is settled by hand. Nobody needs it as long as
 * `txn.recovery` runs in any process of the namespace.
 */
export class TransactionAdmin {
  /** @internal */
  constructor(
    private readonly store: CacheTxnStore,
    private readonly recovery: Recovery,
  ) {}

  /**
   * The transactions over several slots that are on their way, those overdue for longest first; changes nothing. A healthy
   * one shows up for some milliseconds. At most about 10,000.
   *
   * @throws StoreUnavailableError, StoreTimeoutError when a part of the list does not answer
   */
  async inDoubt(): Promise<readonly InDoubtTransaction[]> {
    const listed = await this.store.listTransactions(MOST_LISTED);
    return listed.map(({ txnId, keys, overdueMs, decision }) => ({ id: txnId, keys, overdueMs, decision }));
  }

  /**
   * Settles one transaction in all of its slots, as the sweeper does, and tells what became of it. `pending`: its owner may
   * still decide, and nothing was changed. `unknown`: no transaction of this id is on its way.
   *
   * @throws StoreUnavailableError, StoreTimeoutError when a slot does not answer; what is decided stands, so call it again
   */
  async resolve(id: string): Promise<Settlement | 'unknown'> {
    const listed = await this.store.listTransactions(MOST_LISTED);
    const found = listed.find(({ txnId }) => txnId === id);
    if (found === undefined) return 'unknown';
    return this.recovery.settle(found, found.overdueMs >= 0);
  }
}

shownAs(TransactionAdmin, () => ({}));
