import type {
  CommitOperation,
  EntryRecord,
  Expectation,
  Mismatch,
  VersionStrategy,
} from '../store/entry-operations.js';
import type { EntryTimes, FillOutcome, FillRequest, LeaseOutcome, LeaseRequest } from '../store/fill-operations.js';
import type { Intent } from '../store/intent.js';
import type { StoredEntry, WriteOperation } from '../store/intent-operations.js';
import { NO_VERSION } from '../store/entry-changes.js';
import { ExpiringMap } from './expiring-map.js';
import { nextStamp, type Instant } from './server-time.js';

/** A prepared write with the version that it will have. */
interface StagedWrite {
  readonly operation: WriteOperation;
  readonly version: number;
  readonly intent: Intent;
}

/** Who loads a value, and the inboxes of those that wait for it. */
interface Lease {
  readonly token: string;
  readonly endsAtMs: number;
  readonly waiters: Set<string>;
}

/**
 * The entries of one slot. Beyond `maxEntries` the least recently used one is evicted: a reader sees a miss, and
 * the key's next version is larger all the same, because it starts from the server's time. Prepared writes are never evicted.
 */
export class EntryTable {
  private readonly entries: ExpiringMap<EntryRecord>;
  private readonly staged = new Map<string, StagedWrite>();
  /** Who loads a value for a key that has none, until others may as well. */
  private readonly leases: ExpiringMap<Lease>;
  /** From when on the value of that version should be loaded anew. */
  private readonly stale: ExpiringMap<{ readonly version: number; readonly fromMs: number }>;

  /**
   * @param note hears of each write: the key, and the smallest version that a copy of it may have
   * @param tellWaiter hears of each lease that has ended: who waits for it, and its token
   */
  constructor(
    maxEntries: number,
    private readonly note: (key: string, version: number) => void = () => undefined,
    private readonly tellWaiter: (inbox: string, token: string) => void = () => undefined,
  ) {
    this.entries = new ExpiringMap(maxEntries);
    this.leases = new ExpiringMap(maxEntries);
    this.stale = new ExpiringMap(maxEntries);
  }

  /** Entries kept, expired ones included until they are swept. */
  get size(): number {
    return this.entries.size;
  }

  read(key: string, now: Instant): StoredEntry | undefined {
    const entry = this.entries.get(key, now.ms);
    const intent = this.staged.get(key)?.intent;
    return intent === undefined ? entry : { ...(entry ?? NOTHING), intent };
  }

  /** How long a copy of the entry may be given; infinity for ever. */
  leftMsOf(key: string, now: Instant): number {
    const { endsAtMs, staleAtMs } = this.timesOf(key, this.versionOf(key, now), now);
    return staleAtMs === Number.POSITIVE_INFINITY ? endsAtMs - now.ms : 0;
  }

  intentOf(key: string): Intent | undefined {
    return this.staged.get(key)?.intent;
  }

  /** Of the prepared write; 0 when there is none. */
  stagedVersionOf(key: string): number {
    return this.staged.get(key)?.version ?? 0;
  }

  /** Every operation whose expectation the entries do not meet, in order. */
  mismatches(operations: readonly CommitOperation[], now: Instant): readonly Mismatch[] {
    return operations.flatMap(({ key, expected }) => {
      const actual = this.versionOf(key, now);
      return expected === undefined || meets(actual, expected) ? [] : [{ key, actual }];
    });
  }

  /** Does what the operation says and answers the key's version afterwards, 0 for none. */
  apply(operation: CommitOperation, now: Instant): number {
    if (operation.kind === 'check') return this.versionOf(operation.key, now);
    const version = this.publish(operation, this.nextVersion(operation, now), now);
    this.note(operation.key, operation.kind === 'delete' ? NO_VERSION : version);
    return version;
  }

  /** Lets the write wait for the decision, unless it does so already, and answers the version that its key will have. */
  stage(operation: WriteOperation, intent: Intent, now: Instant): number {
    const known = this.staged.get(operation.key);
    const version = known?.version ?? this.nextStagedVersion(operation, now);
    if (known === undefined) {
      this.staged.set(operation.key, { operation, version, intent });
      this.note(operation.key, operation.kind === 'delete' ? NO_VERSION : version);
    }
    this.endLease(operation.key, now);
    return version;
  }

  /** Ends the intent that the transaction has on the key, if any. Whoever keeps copies was told when it was staged. */
  settle(key: string, txnId: string, isCommitted: boolean, now: Instant): void {
    const staged = this.staged.get(key);
    if (staged?.intent.txnId !== txnId) return;
    this.staged.delete(key);
    if (isCommitted) this.publish(staged.operation, staged.version, now);
  }

  /** Deletes what is older than a write that was committed and has got lost (protocol I7). */
  dropOlderThan(key: string, version: number, now: Instant): void {
    if (!this.staged.has(key) && this.versionOf(key, now) < version) this.drop(key);
  }

  /** Deletes the value, which nobody can vouch for, and ends whatever load may bring back one like it. */
  drop(key: string): void {
    this.entries.delete(key);
    this.leases.delete(key);
    this.stale.delete(key);
    this.note(key, NO_VERSION);
  }

  /**
   * The value, or leave to fill it.
   * @param inbox of the caller, where it can be told of the end of another lease
   */
  lease(request: LeaseRequest, now: Instant, inbox?: string): LeaseOutcome {
    const { key, token, leaseMs, replaces, withTimes, tellsEnd } = request;
    const { intent, ...record } = this.read(key, now) ?? NOTHING_STORED;
    if (intent !== undefined) return { kind: 'intent', intent, beside: record };
    const { value, version } = record;
    if (value !== undefined && version !== replaces) {
      const times = this.timesOf(key, version, now);
      return withTimes || times.staleAtMs !== Number.POSITIVE_INFINITY
        ? { kind: 'hit', value, version, times }
        : { kind: 'hit', value, version };
    }
    const held = this.leases.get(key, now.ms);
    if (held !== undefined && held.token !== token) {
      if (tellsEnd && inbox !== undefined) held.waiters.add(inbox);
      return { kind: 'busy', remainingMs: held.endsAtMs - now.ms, token: held.token };
    }
    const endsAtMs = Math.min(now.ms + leaseMs, this.entries.expiryOf(key, now.ms) ?? Number.POSITIVE_INFINITY);
    const waiters = held?.waiters ?? new Set<string>();
    this.leases.set(key, { token, endsAtMs, waiters }, endsAtMs, now.ms);
    return { kind: 'leased' };
  }

  /** Publishes a loaded value if nothing has happened to the key since its lease, which is not over (protocol I3). */
  fill({ key, token, value, freshMs = 0, ...write }: FillRequest, now: Instant): FillOutcome {
    if (this.staged.has(key) || this.leases.get(key, now.ms)?.token !== token) return { kind: 'refused' };
    if (value === undefined) {
      this.endLease(key, now);
      return { kind: 'ended' };
    }
    const version = this.apply({ kind: 'put', key, value, ...write }, now);
    const endsAtMs = expiryOf(write.ttlMs, now);
    if (freshMs > 0) this.stale.set(key, { version, fromMs: now.ms + freshMs }, endsAtMs, now.ms);
    return { kind: 'filled', version };
  }

  private endLease(key: string, now: Instant): void {
    const lease = this.leases.get(key, now.ms);
    if (lease === undefined) return;
    this.leases.delete(key);
    for (const inbox of lease.waiters) this.tellWaiter(inbox, lease.token);
  }

  private timesOf(key: string, version: number, now: Instant): EntryTimes {
    const stale = this.stale.get(key, now.ms);
    return {
      nowMs: now.ms,
      endsAtMs: this.entries.expiryOf(key, now.ms) ?? Number.POSITIVE_INFINITY,
      staleAtMs: stale?.version === version ? stale.fromMs : Number.POSITIVE_INFINITY,
    };
  }

  private versionOf(key: string, now: Instant): number {
    return this.entries.get(key, now.ms)?.version ?? 0;
  }

  private nextVersion(operation: WriteOperation, now: Instant): number {
    return operation.kind === 'delete' ? 0 : this.nextStagedVersion(operation, now);
  }

  /** A deletion counts as a version too: what is older has lost it. */
  private nextStagedVersion(operation: WriteOperation, now: Instant): number {
    const strategy = operation.kind === 'delete' ? 'timestamp' : operation.strategy;
    return nextVersion(this.versionOf(operation.key, now), strategy, now);
  }

  private publish(operation: WriteOperation, version: number, now: Instant): number {
    const { key } = operation;
    this.endLease(key, now);
    // No other version has it, and there must be room for those of entries that are there.
    this.stale.delete(key);
    if (operation.kind === 'delete') {
      this.entries.delete(key);
      return 0;
    }
    if (operation.kind === 'put') {
      this.entries.set(key, { value: operation.value, version }, expiryOf(operation.ttlMs, now), now.ms);
    } else {
      const expiresAtMs = this.entries.expiryOf(key, now.ms) ?? expiryOf(operation.ttlMs, now);
      this.entries.set(key, { value: this.entries.get(key, now.ms)?.value, version }, expiresAtMs, now.ms);
    }
    return version;
  }
}

const NOTHING: EntryRecord = { value: undefined, version: 0 };
const NOTHING_STORED: StoredEntry = NOTHING;

function meets(actual: number, expected: Expectation): boolean {
  return expected.kind === 'exists' ? actual !== 0 : actual === expected.version;
}

function nextVersion(previous: number, strategy: VersionStrategy, now: Instant): number {
  return strategy === 'counter' && previous !== 0 ? previous + 1 : nextStamp(previous, now);
}

function expiryOf(ttlMs: number, now: Instant): number {
  return ttlMs === 0 ? Number.POSITIVE_INFINITY : now.ms + ttlMs;
}
