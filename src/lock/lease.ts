import { AsyncResource } from 'node:async_hooks';
import { present } from '../base/assert.js';
import { LazyAbort } from '../base/abort.js';
import type { Clock, Timer } from '../base/clock.js';
import { LockLostError } from '../base/errors.js';
import type { ResolvedLockOptions } from './lock.options.js';

/** Why a lease ended without its holder's wish. */
export type LossReason = 'expired' | 'taken' | 'max-hold' | 'shutdown';

const REASONS: Record<LossReason, string> = {
  expired: 'its lease ended before a renewal was answered',
  taken: 'the store no longer knows it as held',
  'max-hold': 'maxHold was reached',
  shutdown: 'the application is closing',
};

/** A name that stands for all of a lease, which live in one slot. */
export function firstName(lease: Lease): string {
  return present(lease.names[0], 'the name of a lease');
}

/** What the store granted: the moment counts from before the command was sent, so it errs on the early side. */
export interface Grant {
  readonly fence: number;
  readonly sentAtMs: number;
  readonly leaseMs: number;
}

/**
 * The part of each lease that is given up for safety: 5 %, between 5 and 500 ms. It covers the drift of two clocks
 * (under 0.1 % on any machine) and leaves the holder a moment to stop before others can own the lock.
 */
export function marginMs(leaseMs: number): number {
  return Math.min(500, Math.max(5, leaseMs * 0.05));
}

/**
 * Names of one slot held by one token, and how long that is certain.
 *
 * The local deadline is the promise behind `Lock.signal`: it fires whatever the store does, on the monotonic clock,
 * at `sent + lease - margin` of the last confirmed command. Without anybody who asked for the signal there is no timer.
 */
export class Lease {
  private readonly loss = new LazyAbort();
  /** Listeners of the signal belong to the call that took the lock, whoever finds out that it is lost. */
  private readonly call = new AsyncResource('Lease');
  private readonly endsAtMs: number;
  private validUntilMs: number;
  private timer: Timer | undefined;
  private state: 'held' | 'lost' | 'ended' = 'held';
  private fenceNumber: number;
  /** Holders in this call: 1, and one more for each re-entry. */
  holds = 1;

  constructor(
    readonly names: readonly string[],
    readonly token: string,
    grant: Grant,
    readonly options: ResolvedLockOptions,
    private readonly clock: Clock,
  ) {
    this.fenceNumber = grant.fence;
    this.endsAtMs = clock.now() + options.maxHoldMs;
    this.validUntilMs = this.validity(grant.sentAtMs, grant.leaseMs);
  }

  get fence(): number {
    return this.fenceNumber;
  }

  get signal(): AbortSignal {
    this.watch();
    return this.loss.signal;
  }

  /** Calls `listener` as the signal would; answers how to stop. */
  onLost(listener: (reason: Error) => void): () => void {
    this.watch();
    return this.loss.onAbort(listener);
  }

  /** Why it is lost; undefined while it is held, and after its holder gave it back. */
  get lossReason(): Error | undefined {
    return this.isHeld() ? undefined : this.loss.reason;
  }

  /** Compares the clock itself: timers run late when the event loop was blocked. */
  isHeld(): boolean {
    if (this.state === 'held' && this.clock.now() >= this.validUntilMs) this.expire();
    return this.state === 'held';
  }

  /** How long it is certain that nobody else can own the lock, unless it is renewed; 0 when it is not held. */
  leftMs(): number {
    return this.isHeld() ? this.validUntilMs - this.clock.now() : 0;
  }

  /** The lease to ask for next; shorter when `maxHold` comes near, so that the server frees the name then too. */
  nextLeaseMs(): number {
    const untilEndMs = this.endsAtMs - this.clock.now() + marginMs(this.options.leaseMs);
    return Math.max(1, Math.min(this.options.leaseMs, Math.ceil(untilEndMs)));
  }

  /** The store confirmed a renewal that was sent at `sentAtMs`. */
  extend(sentAtMs: number, leaseMs: number): void {
    if (this.isHeld()) this.validUntilMs = Math.max(this.validUntilMs, this.validity(sentAtMs, leaseMs));
  }

  /** A common, larger fence for several slots. */
  raiseFence(fence: number): void {
    this.fenceNumber = Math.max(this.fenceNumber, fence);
  }

  /** Ends the lease against its holder's wish and fires the signal. */
  lose(reason: LossReason): void {
    if (this.state !== 'held') return;
    this.state = 'lost';
    this.timer?.cancel();
    const error = new LockLostError(
      `the lock ${this.names.join(', ')} is lost: ${REASONS[reason]}; stop, and call again`,
      { details: { names: this.names, reason } },
    );
    this.call.runInAsyncScope(() => {
      this.loss.abort(error);
    });
  }

  /** The holder gives it back: no signal. */
  end(): void {
    this.timer?.cancel();
    if (this.state === 'held') this.state = 'ended';
  }

  private validity(sentAtMs: number, leaseMs: number): number {
    return Math.min(sentAtMs + leaseMs - marginMs(leaseMs), this.endsAtMs);
  }

  private expire(): void {
    this.lose(this.validUntilMs >= this.endsAtMs ? 'max-hold' : 'expired');
  }

  private watch(): void {
    if (this.isHeld() && this.timer === undefined) this.arm();
  }

  /** One timer at a time; a renewal only moves the deadline, and the timer finds out when it fires. */
  private arm(): void {
    this.timer = this.clock.after(this.validUntilMs - this.clock.now(), () => {
      if (this.isHeld()) this.arm();
    });
  }
}
