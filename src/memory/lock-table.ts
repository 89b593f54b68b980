import { assert } from '../base/assert.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../store/lock-operations.js';
import { ExpiringMap } from './expiring-map.js';
import { acquire } from './lock-acquisition.js';
import {
  BLOCKED,
  describe,
  handOver,
  isHeld,
  isHeldBy,
  leaveQueue,
  newLock,
  type Caller,
  type Delivery,
  type LockState,
} from './lock-state.js';
import type { Instant } from './server-time.js';

/** How long a name that nobody released is remembered after its lease and its queue have ended, as in Redis. */
const REMEMBERED_MS = 24 * 3_600_000;

/**
 * The locks of one namespace, each operation one step.
 *
 * A released name is forgotten as soon as server time has passed its fence, because the next fence is larger then
 * whatever was stored; so the table holds what is in use and not every name ever locked.
 */
export class LockTable {
  private readonly locks = new ExpiringMap<LockState>();

  /** @param deliver announces a hand-over; it must not call back before the operation has returned */
  constructor(private readonly deliver: (delivery: Delivery) => void) {}

  acquire(request: AcquireRequest, caller: Caller, now: Instant): AcquireOutcome {
    assert(request.token !== BLOCKED, 'a lock token is empty');
    const locks = request.names.map((name) => this.open(name, now));
    const { outcome, deliveries = [] } = acquire(locks, request, caller, now);
    for (const lock of locks) this.close(lock, now);
    for (const delivery of deliveries) if (delivery !== undefined) this.deliver(delivery);
    return outcome;
  }

  renew({ name, token, leaseMs, fence = 0 }: RenewRequest, now: Instant): RenewOutcome {
    const lock = this.open(name, now);
    if (!isHeldBy(lock, token, now)) return 'lost';
    lock.expiresAtMs = Math.max(now.ms + leaseMs, lock.promisedUntilMs);
    lock.fence = Math.max(lock.fence, fence);
    this.close(lock, now);
    return 'held';
  }

  release({ names, token, minHoldMs = 0 }: ReleaseRequest, now: Instant): ReleaseOutcome {
    let outcome: ReleaseOutcome = 'released';
    for (const name of names) {
      const lock = this.open(name, now);
      if (!isHeldBy(lock, token, now)) outcome = 'lost';
      if (lock.token !== token) leaveQueue(lock, token);
      else if (lock.acquiredAtMs + minHoldMs > now.ms) this.block(lock, minHoldMs);
      else this.passOn(lock, now);
      this.close(lock, now);
    }
    return outcome;
  }

  forceRelease(name: string, fence: number | undefined, now: Instant): boolean {
    const lock = this.open(name, now);
    if (!isHeld(lock, now) || (fence !== undefined && fence !== lock.fence)) return false;
    this.passOn(lock, now);
    this.close(lock, now);
    return true;
  }

  inspect(name: string, now: Instant): LockInfo | null {
    return describe(this.open(name, now), now);
  }

  isHeldBy(name: string, token: string, now: Instant): boolean {
    return isHeldBy(this.open(name, now), token, now);
  }

  /** Lets a held lock last at least this much longer. */
  extend(name: string, leaseMs: number, now: Instant): void {
    const lock = this.open(name, now);
    lock.expiresAtMs = Math.max(lock.expiresAtMs, now.ms + leaseMs);
    lock.promisedUntilMs = lock.expiresAtMs;
    this.close(lock, now);
  }

  /** Names remembered, held or not. */
  names(): readonly string[] {
    return this.locks.keys();
  }

  private block(lock: LockState, minHoldMs: number): void {
    lock.token = BLOCKED;
    lock.owner = '';
    lock.expiresAtMs = lock.acquiredAtMs + minHoldMs;
  }

  private passOn(lock: LockState, now: Instant): void {
    const delivery = handOver(lock, now);
    if (delivery !== undefined) this.deliver(delivery);
  }

  private open(name: string, now: Instant): LockState {
    return this.locks.get(name, now.ms) ?? newLock(name);
  }

  private close(lock: LockState, now: Instant): void {
    if (lock.token === undefined && lock.queue.length === 0 && lock.fence < now.us) {
      this.locks.delete(lock.name);
      return;
    }
    const endsMs = lock.queue.reduce((latest, { deadlineMs }) => Math.max(latest, deadlineMs), lock.expiresAtMs);
    this.locks.set(lock.name, lock, Math.max(endsMs, now.ms) + REMEMBERED_MS, now.ms);
  }
}
