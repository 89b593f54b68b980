import type { ResolveOutcome } from '../store/entry-operations.js';
import type { SettleRequest } from '../store/intent-operations.js';
import { ExpiringMap } from './expiring-map.js';
import type { Instant } from './server-time.js';

/** How long an abort is remembered: far longer than a commit can be on its way (protocol section 3). */
const ABORT_REMEMBERED_MS = 3_600_000;

/**
 * Commits that can be asked about, the latest; without a bound a busy process keeps those of all of its last 30 s. An answer
 * within one process is lost only where a test drops it, and then it is asked for at once.
 */
const MOST_COMMITTED = 10_000;

type Committed = Extract<ResolveOutcome, { kind: 'committed' }>;
type Aborted = Extract<ResolveOutcome, { kind: 'aborted' }>;

const ABORTED: Aborted = { kind: 'aborted' };

/** What became of transactions, as one slot knows it. */
export class OutcomeRecords {
  private readonly applied = new ExpiringMap<Committed>(MOST_COMMITTED);
  /** Decisions over several slots: each stays until it is retired. */
  private readonly decisions = new ExpiringMap<Committed>();
  /** Bounded by their time alone: there is one for each answer that was lost, and a commit that comes later must be refused. */
  private readonly aborted = new ExpiringMap<true>();
  /** Transactions whose writes this slot has made visible. */
  private readonly settled = new ExpiringMap<true>();

  outcomeOf(txnId: string, now: Instant): ResolveOutcome | undefined {
    if (this.aborted.get(txnId, now.ms)) return ABORTED;
    return this.decisions.get(txnId, now.ms) ?? this.applied.get(txnId, now.ms);
  }

  /** What whoever asks is told, also where only the settlement is remembered; undefined while nothing is known. */
  fateOf(txnId: string, now: Instant): ResolveOutcome['kind'] | undefined {
    return this.outcomeOf(txnId, now)?.kind ?? (this.settled.get(txnId, now.ms) && 'committed');
  }

  /** Whether a request of the transaction comes late here. */
  isOver(txnId: string, now: Instant): boolean {
    return this.fateOf(txnId, now) !== undefined;
  }

  committed(txnId: string, versions: readonly number[], ttlMs: number, now: Instant): void {
    if (ttlMs > 0) this.applied.set(txnId, { kind: 'committed', versions }, now.ms + ttlMs, now.ms);
  }

  decide(txnId: string, versions: readonly number[], now: Instant): void {
    this.decisions.set(txnId, { kind: 'committed', versions }, Number.POSITIVE_INFINITY, now.ms);
  }

  abort(txnId: string, now: Instant): Aborted {
    this.aborted.set(txnId, true, now.ms + ABORT_REMEMBERED_MS, now.ms);
    return ABORTED;
  }

  retire(txnId: string, keepMs: number, now: Instant): void {
    if (this.aborted.get(txnId, now.ms)) this.aborted.set(txnId, true, now.ms + keepMs, now.ms);
    const decision = this.decisions.get(txnId, now.ms);
    if (decision !== undefined) this.decisions.set(txnId, decision, now.ms + keepMs, now.ms);
  }

  /** Leaves alone what is known already. */
  remember(txnId: string, verdict: SettleRequest['verdict'], rememberMs: number, now: Instant): void {
    if (rememberMs === 0 || this.isOver(txnId, now)) return;
    const records = verdict === 'aborted' || verdict === 'void' ? this.aborted : this.settled;
    records.set(txnId, true, now.ms + rememberMs, now.ms);
  }
}
