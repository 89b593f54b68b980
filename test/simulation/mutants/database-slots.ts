import { EntryTable } from '../../../src/memory/entry-table.js';
import { MemorySlot } from '../../../src/memory/memory-slot.js';
import type { Instant } from '../../../src/memory/server-time.js';
import type { FillOutcome, FillRequest, LeaseOutcome, LeaseRequest } from '../../../src/store/fill-operations.js';
import type { SettleRequest } from '../../../src/store/intent-operations.js';

/** Whoever clears up makes a prepared write visible, as if it knew that nothing newer had been committed. */
export class RollingForwardSlot extends MemorySlot {
  override settle(request: SettleRequest, now: Instant): void {
    const isOwn = request.keys.some((key) => this.entries.intentOf(key)?.txnId === request.txnId);
    super.settle(request.verdict === 'void' && isOwn ? { ...request, verdict: 'committed' } : request, now);
  }
}

/** A slot whose entries break a rule. */
function slotOf(Table: new (maxEntries: number) => EntryTable): typeof MemorySlot {
  return class extends MemorySlot {
    override readonly entries = new Table(Number.POSITIVE_INFINITY);
  };
}

/** A loaded value is published whatever has happened to its token. */
export const TokenlessSlot = slotOf(
  class extends EntryTable {
    override fill({ token, value, ...write }: FillRequest, now: Instant): FillOutcome {
      if (value === undefined || this.intentOf(write.key) !== undefined) return { kind: 'refused' };
      return { kind: 'filled', version: this.apply({ kind: 'put', value, ...write }, now) };
    }
  },
);

/** What lies beside a prepared write is shown. */
export const IntentBlindSlot = slotOf(
  class extends EntryTable {
    override lease(request: LeaseRequest, now: Instant): LeaseOutcome {
      const outcome = super.lease(request, now);
      if (outcome.kind !== 'intent' || outcome.beside.value === undefined) return outcome;
      return { kind: 'hit', value: outcome.beside.value, version: outcome.beside.version };
    }
  },
);
