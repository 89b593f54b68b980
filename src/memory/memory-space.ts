import { present } from '../base/assert.js';
import type { OpenTransaction } from '../store/intent-operations.js';
import type { MemorySlot } from './memory-slot.js';
import type { Instant } from './server-time.js';

/** The data of one namespace: its slots, and the transactions over several of them that are on their way. */
export class MemorySpace {
  private readonly open = new Map<string, { readonly transaction: OpenTransaction; readonly overdueAtMs: number }>();

  constructor(readonly slots: readonly MemorySlot[]) {}

  slot(index: number): MemorySlot {
    return present(this.slots[index], 'a slot of the memory store');
  }

  openTransaction(transaction: OpenTransaction, leftMs: number, now: Instant): void {
    this.open.set(transaction.txnId, { transaction, overdueAtMs: now.ms + leftMs });
  }

  closeTransaction({ txnId }: OpenTransaction): void {
    this.open.delete(txnId);
  }

  overdue(limit: number, now: Instant): readonly OpenTransaction[] {
    return [...this.open.values()]
      .filter(({ overdueAtMs }) => overdueAtMs <= now.ms)
      .sort((one, other) => one.overdueAtMs - other.overdueAtMs)
      .slice(0, limit)
      .map(({ transaction }) => transaction);
  }
}
