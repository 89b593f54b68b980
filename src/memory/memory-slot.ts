import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../store/entry-operations.js';
import { EntryTable } from './entry-table.js';
import { ExpiringMap } from './expiring-map.js';
import type { Delivery } from './lock-state.js';
import { LockTable } from './lock-table.js';
import type { Instant } from './server-time.js';

/** How long an abort is remembered: far longer than a commit can be on its way (protocol section 3). */
const ABORT_REMEMBERED_MS = 3_600_000;

/**
 * Commits that can be asked about, the latest; without a bound a busy process keeps those of all of its last 30 s. An answer
 * within one process is lost only where a test drops it, and then it is asked for at once.
 */
const MOST_COMMITTED = 10_000;

type Committed = Extract<ResolveOutcome, { kind: 'committed' }>;

/** What one atomic step can touch: all locks, entries and commit outcomes of one namespace. */
export class MemorySlot {
  readonly locks: LockTable;
  readonly entries: EntryTable;
  private readonly committed = new ExpiringMap<Committed>(MOST_COMMITTED);
  /** Bounded by their time alone: there is one for each answer that was lost, and a commit that comes later must be refused. */
  private readonly aborted = new ExpiringMap<true>();

  constructor(maxEntries: number, deliver: (delivery: Delivery) => void) {
    this.locks = new LockTable(deliver);
    this.entries = new EntryTable(maxEntries);
  }

  /** All checks before the first write; an outcome that is known already goes before everything else. */
  commit({ txnId, operations, guards, outcomeTtlMs }: CommitRequest, now: Instant): CommitOutcome {
    const known = this.outcomeOf(txnId, now);
    if (known !== undefined) return known;

    const lost = guards.find(({ name, token }) => !this.locks.isHeldBy(name, token, now));
    if (lost !== undefined) return { kind: 'lock-lost', name: lost.name };

    const mismatches = this.entries.mismatches(operations, now);
    if (mismatches.length > 0) return { kind: 'conflict', mismatches };

    const versions = operations.map((operation) => this.entries.apply(operation, now));
    const outcome: Committed = { kind: 'committed', versions };
    if (outcomeTtlMs > 0) this.committed.set(txnId, outcome, now.ms + outcomeTtlMs, now.ms);
    return outcome;
  }

  /** The outcome of the transaction, which becomes `aborted` when there is none (protocol I5). */
  resolve(txnId: string, now: Instant): ResolveOutcome {
    const known = this.outcomeOf(txnId, now);
    if (known !== undefined) return known;
    this.aborted.set(txnId, true, now.ms + ABORT_REMEMBERED_MS, now.ms);
    return { kind: 'aborted' };
  }

  private outcomeOf(txnId: string, now: Instant): ResolveOutcome | undefined {
    return this.aborted.get(txnId, now.ms) ? { kind: 'aborted' } : this.committed.get(txnId, now.ms);
  }
}
