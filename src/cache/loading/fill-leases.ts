import type { Clock } from '../../base/clock.js';
import type { ErrorSink } from '../../base/error-sink.js';
import { isStoreAway, StoreTimeoutError, StoreUnavailableError } from '../../base/errors.js';
import { newId } from '../../base/random.js';
import type { CommitOperation, VersionStrategy } from '../../store/entry-operations.js';
import type { FillRequest, LeaseOutcome, LeaseRequest } from '../../store/fill-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import type { ResolvedLoadOptions } from '../cache.options.js';
import { floorOf, floorText } from '../floors.js';
import type { ValueNotes } from '../stored-value.js';
import { StoreBreaker } from './store-breaker.js';

/** What a load has beside its time-out: until it begins, and until its value has arrived. Then other processes may fill as well. */
const LEASE_MARGIN_MS = 1_000;

/** The store does not answer, or is left alone because it did not. */
export interface Away {
  readonly kind: 'away';
}

export const AWAY: Away = { kind: 'away' };

/** What is asked for under which token. */
export interface LeaseQuestion extends Pick<LeaseRequest, 'key' | 'token' | 'withTimes' | 'tellsEnd'> {
  readonly replaces?: number | undefined;
}

/** What the leases are made of. */
export interface FillLeaseDependencies {
  readonly store: CacheTxnStore;
  readonly clock: Clock;
  readonly strategy: VersionStrategy;
  readonly report: ErrorSink;
  /** How long the floor of a removed value stays. */
  readonly floorTtlMs: number;
}

/** Leases of a store to fill its missing values, also while it is away or takes no writes. */
export class FillLeases {
  private readonly breaker: StoreBreaker;
  /** It was told that loads go on without the store, which has given no lease since. */
  private isTold = false;

  constructor(private readonly deps: FillLeaseDependencies) {
    this.breaker = new StoreBreaker(deps.clock);
  }

  /**
   * The value, or a lease on it. Before the load: whatever is written after this ends the lease, and the value that was loaded is not published.
   *
   * @throws StoreUnavailableError, StoreTimeoutError when `onStoreError` says so
   */
  async ask(
    { key, token, replaces, withTimes, tellsEnd }: LeaseQuestion,
    options: ResolvedLoadOptions,
  ): Promise<LeaseOutcome | Away> {
    const { onStoreError, timeoutMs } = options;
    const isOpen = onStoreError === 'load';
    if (isOpen && !this.breaker.asks()) return AWAY;
    try {
      const leaseMs = timeoutMs + LEASE_MARGIN_MS;
      const outcome = await this.deps.store.leaseFill({
        key,
        token,
        leaseMs,
        ...(replaces !== undefined && { replaces }),
        ...(withTimes && { withTimes }),
        ...(tellsEnd && { tellsEnd }),
      });
      this.breaker.answered();
      this.isTold = false;
      return outcome;
    } catch (error) {
      // It may have been granted, and nobody would know whose it is.
      if (error instanceof StoreTimeoutError) this.giveBack(key, token);
      const entry = error instanceof StoreUnavailableError ? await this.read(key, replaces) : 'unanswered';
      if (entry !== undefined && entry !== 'unanswered') return entry;
      if (!isOpen || !isStoreAway(error)) throw error;
      if (entry === 'unanswered') this.breaker.failed();
      this.tell(error, key);
      return AWAY;
    }
  }

  /**
   * Publishes a loaded value, and answers its version; 0 when anything has happened to the key since the lease.
   *
   * @throws StoreUnavailableError, StoreTimeoutError when `onStoreError` says so
   */
  async publish(
    { key, token }: LeaseQuestion,
    { value, ttlMs, freshMs }: Pick<FillRequest, 'value' | 'ttlMs' | 'freshMs'>,
    { onStoreError }: ResolvedLoadOptions,
  ): Promise<number> {
    const { store, strategy } = this.deps;
    try {
      const filled = await store.fill({ key, token, value, ttlMs, ...(freshMs && { freshMs }), strategy });
      return filled.kind === 'filled' ? filled.version : 0;
    } catch (error) {
      if (onStoreError === 'throw' || !isStoreAway(error)) throw error;
      this.breaker.failed();
      this.tell(error, key);
      return 0;
    }
  }

  /**
   * What was loaded anew is no more: neither is the value, unless somebody has written meanwhile. Its floor stays, because it may be that the source has
   * it not yet. Nobody waits for that.
   */
  remove(key: string, version: number, notes: ValueNotes = {}): void {
    const { floorTtlMs: ttlMs, strategy } = this.deps;
    if (notes.floor !== undefined) return;
    const floor = floorOf(notes);
    const expected = { kind: 'version', version } as const;
    const operation: CommitOperation =
      floor === undefined
        ? { kind: 'delete', key, expected }
        : { kind: 'put', key, expected, value: floorText(floor), ttlMs, strategy };
    const request = { txnId: newId(), operations: [operation], guards: [], outcomeTtlMs: 0 };
    this.deps.store.commit(request).catch((error: unknown) => {
      if (error instanceof Error) this.tell(error, key);
    });
  }

  /** There is nothing to publish. Nobody waits for that: if it does not arrive, the lease ends by itself. */
  giveBack(key: string, token: string): void {
    const { store, strategy } = this.deps;
    store.fill({ key, token, value: undefined, ttlMs: 0, strategy }).catch(() => undefined);
  }

  /**
   * A server that takes no writes, because it is full or has lost its replicas, still has what it has, and answers. Undefined for nothing that may
   * be shown.
   */
  private async read(key: string, replaces: number | undefined): Promise<LeaseOutcome | 'unanswered' | undefined> {
    try {
      const [entry] = await this.deps.store.readEntries([key]);
      this.breaker.answered();
      if (entry?.value === undefined || entry.intent !== undefined || entry.version === replaces) return undefined;
      return { kind: 'hit', value: entry.value, version: entry.version };
    } catch {
      return 'unanswered'; // What the question for the lease met is told.
    }
  }

  private tell(error: Error, key: string): void {
    if (!this.isTold) this.deps.report(error, { during: 'cache read', details: { key } });
    this.isTold = true;
  }
}
