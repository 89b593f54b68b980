import { present } from '../base/assert.js';
import type { ListedTransaction, OpenTransaction } from '../store/intent-operations.js';
import { EntryWatchers } from './entry-watchers.js';
import type { MemorySlot } from './memory-slot.js';
import type { VotesComplete } from '../store/member-operations.js';
import { RollTable } from './roll-table.js';
import type { Instant } from './server-time.js';

/** The data of one namespace: its slots, the transactions over several of them that are on their way, and the participants of each name. */
export class MemorySpace {
  private readonly open = new Map<string, { readonly transaction: OpenTransaction; readonly overdueAtMs: number }>();

  private readonly tables = new Map<string, RollTable>();
  private readonly owners = new Set<{ readonly inbox: string; readonly hear: (votes: VotesComplete) => void }>();

  constructor(
    readonly slots: readonly MemorySlot[],
    /** Hear what the slots note. */
    readonly entryWatchers = new EntryWatchers(),
  ) {}

  /** What belongs to the participants of a name. */
  rolls(name: string): RollTable {
    let table = this.tables.get(name);
    if (table === undefined) {
      table = new RollTable(name, (inbox, votes) => {
        this.tellOwner(inbox, votes);
      });
      this.tables.set(name, table);
    }
    return table;
  }

  onVotesComplete(inbox: string, listener: (votes: VotesComplete) => void): () => void {
    const entry = { inbox, hear: listener };
    this.owners.add(entry);
    return () => {
      this.owners.delete(entry);
    };
  }

  /** A hint arrives after the operation that caused it, as from a real server. */
  private tellOwner(inbox: string, votes: VotesComplete): void {
    queueMicrotask(() => {
      for (const owner of [...this.owners]) if (owner.inbox === inbox) owner.hear(votes);
    });
  }

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
    return this.inOrder()
      .filter(({ overdueAtMs }) => overdueAtMs <= now.ms)
      .slice(0, limit)
      .map(({ transaction }) => transaction);
  }

  /** @param decisionOf what the slot that decides has a record of */
  list(
    limit: number,
    decisionOf: (transaction: OpenTransaction) => ListedTransaction['decision'],
    now: Instant,
  ): readonly ListedTransaction[] {
    return this.inOrder()
      .slice(0, limit)
      .map(({ transaction, overdueAtMs }) => ({
        ...transaction,
        overdueMs: now.ms - overdueAtMs,
        decision: decisionOf(transaction),
      }));
  }

  private inOrder() {
    return [...this.open.values()].sort((one, other) => one.overdueAtMs - other.overdueAtMs);
  }
}
