import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../store/entry-operations.js';
import type { Intent } from '../store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  DecisionQuestion,
  ListedTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
} from '../store/intent-operations.js';
import { EntryTable } from './entry-table.js';
import type { Delivery } from './lock-state.js';
import { LockTable } from './lock-table.js';
import { OutcomeRecords } from './outcome-records.js';
import type { Instant } from './server-time.js';

/** What one atomic step can touch: the locks, entries and outcomes of one slot of one namespace. */
export class MemorySlot {
  readonly locks: LockTable;
  readonly entries: EntryTable;
  private readonly records = new OutcomeRecords();

  constructor(
    maxEntries: number,
    deliver: (delivery: Delivery) => void,
    noteChange?: (key: string, version: number) => void,
    tellWaiter?: (inbox: string, token: string) => void,
  ) {
    this.locks = new LockTable(deliver);
    this.entries = new EntryTable(maxEntries, noteChange, tellWaiter);
  }

  /** All checks before the first write; an outcome that is known already goes before everything else. */
  commit(request: CommitRequest, now: Instant): CommitOutcome {
    const { txnId, operations, outcomeTtlMs } = request;
    const known = this.records.outcomeOf(txnId, now);
    if (known !== undefined) return known;
    const refusal = this.refusal(request, now);
    if (refusal !== undefined) return refusal;
    const versions = operations.map((operation) => this.entries.apply(operation, now));
    this.records.committed(txnId, versions, outcomeTtlMs, now);
    return { kind: 'committed', versions };
  }

  /** The outcome of the transaction, which becomes `aborted` when there is none (protocol I5). */
  resolve(txnId: string, now: Instant): ResolveOutcome {
    return this.records.outcomeOf(txnId, now) ?? this.records.abort(txnId, now);
  }

  /** The intents of all writes, or none of them. */
  prepare(request: PrepareRequest, now: Instant): PrepareOutcome {
    const { txnId, decider, operations, guards, leftMs, guardMs } = request;
    if (this.records.isOver(txnId, now)) return { kind: 'aborted' };
    const refusal = this.refusal(request, now);
    if (refusal !== undefined) return refusal;
    for (const { name } of guards) this.locks.extend(name, guardMs, now);
    const anchor = operations[0]?.key ?? '';
    const intent: Intent = { txnId, decider, anchor, deadlineMs: now.ms + leftMs, expiresAtMs: 0 };
    return { kind: 'prepared', versions: operations.map((operation) => this.entries.stage(operation, intent, now)) };
  }

  /** The commit point: the decision, and the writes of this slot, in one step (protocol I4). */
  decide({ txnId, operations, checks }: DecideRequest, now: Instant): DecideOutcome {
    const known = this.records.outcomeOf(txnId, now);
    if (known !== undefined) return known;
    const isPrepared = operations.every(({ key }) => {
      const intent = this.entries.intentOf(key);
      return intent?.txnId === txnId && intent.deadlineMs > now.ms;
    });
    if (!isPrepared) return this.records.abort(txnId, now);
    const refusal = this.refusal({ txnId: '', operations: checks, guards: [] }, now);
    if (refusal?.kind === 'conflict' || refusal?.kind === 'intent') return refusal;
    const versions = [
      ...operations.map(({ key }) => this.entries.stagedVersionOf(key)),
      ...checks.map(({ key }) => this.entries.read(key, now)?.version ?? 0),
    ];
    for (const { key } of operations) this.entries.settle(key, txnId, true, now);
    this.records.decide(txnId, versions, now);
    return { kind: 'committed', versions };
  }

  ask({ txnId, decider, deadlineMs, isDecidedElsewhere }: DecisionQuestion, now: Instant): Decision {
    const known = this.records.fateOf(txnId, now);
    if (known !== undefined) return { kind: known };
    const own = this.entries.intentOf(decider);
    const endsMs = own?.txnId === txnId ? own.deadlineMs : deadlineMs;
    if (endsMs > now.ms) return { kind: 'pending', nowMs: now.ms };
    return { kind: isDecidedElsewhere ? 'overdue' : this.records.abort(txnId, now).kind };
  }

  /** What {@link ask} would answer if it could change nothing. */
  decisionOf(txnId: string, now: Instant): ListedTransaction['decision'] {
    return this.records.outcomeOf(txnId, now)?.kind ?? 'pending';
  }

  settle({ txnId, verdict, keys, versions, rememberMs }: SettleRequest, now: Instant): void {
    const isApplied = verdict === 'committed' || verdict === 'published';
    keys.forEach((key, i) => {
      const isOwn = this.entries.intentOf(key)?.txnId === txnId;
      this.entries.settle(key, txnId, isApplied, now);
      if (verdict === 'void' || (verdict === 'published' && !isOwn)) this.entries.drop(key);
      else if (isApplied && versions !== undefined) this.entries.dropOlderThan(key, versions[i] ?? 0, now);
    });
    this.records.remember(txnId, verdict, rememberMs, now);
  }

  retire(txnId: string, keepMs: number, now: Instant): void {
    this.records.retire(txnId, keepMs, now);
  }

  /** Why nothing may be written; intents of the transaction itself do not count, nor do versions below them. */
  private refusal(
    { txnId, operations, guards }: Pick<CommitRequest, 'txnId' | 'operations' | 'guards'>,
    now: Instant,
  ): Exclude<CommitOutcome, { kind: 'committed' | 'aborted' }> | undefined {
    const lost = guards.find(({ name, token }) => !this.locks.isHeldBy(name, token, now));
    if (lost !== undefined) return { kind: 'lock-lost', name: lost.name };
    const own = new Set<string>();
    for (const { key } of operations) {
      const intent = this.entries.intentOf(key);
      if (intent?.txnId === txnId) own.add(key);
      else if (intent !== undefined) return { kind: 'intent', key, intent };
    }
    const open = own.size === 0 ? operations : operations.filter(({ key }) => !own.has(key));
    const mismatches = this.entries.mismatches(open, now);
    return mismatches.length > 0 ? { kind: 'conflict', mismatches } : undefined;
  }
}
