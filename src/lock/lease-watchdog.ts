import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { RenewOutcome, RenewRequest } from '../store/lock-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { firstName, type Lease } from './lease.js';
import { groupBySlot } from './slot-groups.js';

/** A failed renewal is tried again after this part of what is left: a first pause of a tenth of the lease, then shorter ones. */
const RETRY_LEFT_PART = 1 / 6;
/** But not before this long: a store that fails at once is not asked in a tight loop. */
const RETRY_AT_LEAST_MS = 10;

interface Watch {
  renewedAtMs: number;
  dueAtMs: number;
  isInFlight: boolean;
}

/**
 * Renews every held lease of the process from one timer, a third of the lease after the last time.
 *
 * Leases due a little later join the same call, so that a thousand locks settle into a few batches. A lease the store
 * no longer knows is lost at once; a store that does not answer is asked again until the lease's own deadline.
 */
export class LeaseWatchdog {
  private readonly watches = new Map<Lease, Watch>();
  /** Where the service was made: a timer would otherwise run in, and keep alive, the context of some earlier call. */
  private readonly outside = new AsyncResource('LeaseWatchdog');
  private timer: Timer | undefined;
  private wakesAtMs = Infinity;

  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly report: ErrorSink,
  ) {}

  /** Starts to renew. With `confirm`, the first renewal is sent at once: the lease is only a short claim so far. */
  watch(lease: Lease, { confirm = false } = {}): void {
    if (!lease.options.renew && !confirm) return;
    const now = this.clock.now();
    // Joins the renewal that comes next anyway: locks taken one after the other then go on together.
    const dueAtMs = confirm ? now : Math.min(now + periodMs(lease), this.wakesAtMs);
    this.watches.set(lease, { renewedAtMs: now, dueAtMs, isInFlight: false });
    if (confirm) void this.renew([lease]);
    else if (dueAtMs < this.wakesAtMs) this.schedule();
  }

  unwatch(lease: Lease): void {
    this.watches.delete(lease);
    if (this.watches.size === 0) this.stop();
  }

  /** Renews nothing any more; answers that are still on their way change nothing. */
  close(): void {
    this.watches.clear();
    this.stop();
  }

  private stop(): void {
    this.timer?.cancel();
    this.wakesAtMs = Infinity;
  }

  private schedule(): void {
    let next = Infinity;
    for (const { dueAtMs, isInFlight } of this.watches.values()) if (!isInFlight) next = Math.min(next, dueAtMs);
    if (next === this.wakesAtMs) return;
    this.stop();
    if (next === Infinity) return;
    this.wakesAtMs = next;
    const onTime = (): void => {
      this.wakesAtMs = Infinity;
      this.renewDue();
    };
    this.timer = this.outside.runInAsyncScope(() => this.clock.after(next - this.clock.now(), onTime));
  }

  private renewDue(): void {
    const now = this.clock.now();
    const due: Lease[] = [];
    for (const [lease, watch] of this.watches) {
      if (watch.isInFlight) continue;
      if (!lease.isHeld()) this.unwatch(lease);
      else if (watch.dueAtMs <= now || now - watch.renewedAtMs >= periodMs(lease) / 2) due.push(lease);
    }
    // A slot that does not answer must not hold back the answers of the others.
    for (const leases of groupBySlot(this.store, due, firstName)) void this.renew(leases);
    this.schedule();
  }

  private async renew(leases: readonly Lease[]): Promise<void> {
    const sentAtMs = this.clock.now();
    const requests: RenewRequest[] = [];
    for (const lease of leases) {
      const watch = this.watches.get(lease);
      if (watch) watch.isInFlight = true;
      const leaseMs = lease.nextLeaseMs();
      for (const name of lease.names) requests.push({ name, token: lease.token, leaseMs });
    }
    let outcomes: readonly RenewOutcome[];
    try {
      outcomes = await this.store.renewLocks(requests);
    } catch (error) {
      this.report(error, { during: 'lock renewal' });
      outcomes = [];
    }
    let next = 0;
    for (const lease of leases) {
      const own = lease.names.map((_, i) => outcomes[next + i] ?? 'unknown');
      this.settle(lease, own, sentAtMs, requests[next]?.leaseMs ?? 0);
      next += lease.names.length;
    }
    this.schedule();
  }

  private settle(lease: Lease, outcomes: readonly RenewOutcome[], sentAtMs: number, leaseMs: number): void {
    const watch = this.watches.get(lease);
    if (watch === undefined) return;
    watch.isInFlight = false;
    if (outcomes.includes('lost')) {
      this.unwatch(lease);
      lease.lose('taken');
    } else if (outcomes.includes('unknown')) {
      watch.dueAtMs = this.clock.now() + Math.max(RETRY_AT_LEAST_MS, lease.leftMs() * RETRY_LEFT_PART);
    } else {
      lease.extend(sentAtMs, leaseMs);
      if (!lease.options.renew) this.unwatch(lease);
      watch.renewedAtMs = sentAtMs;
      watch.dueAtMs = sentAtMs + periodMs(lease);
    }
  }
}

function periodMs(lease: Lease): number {
  return lease.options.leaseMs / 3;
}
