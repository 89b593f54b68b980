import { present } from '../base/assert.js';
import type { AcquireOutcome, AcquireRequest } from '../store/lock-operations.js';
import {
  dropDeadWaiters,
  enqueue,
  firstLiveWaiter,
  handOver,
  isHeld,
  isHeldBy,
  isQueued,
  leaveQueue,
  remainingMs,
  type Caller,
  type Delivery,
  type LockState,
} from './lock-state.js';
import { nextStamp, type Instant } from './server-time.js';

/** What the acquisition answers, and the hand-overs it caused on the way. */
export interface Acquisition {
  readonly outcome: AcquireOutcome;
  readonly deliveries?: readonly (Delivery | undefined)[];
}

/** Takes every lock, or queues at the first busy one; the rules of {@link CacheTxnStore.acquireLocks}. */
export function acquire(
  locks: readonly LockState[],
  request: AcquireRequest,
  caller: Caller,
  now: Instant,
): Acquisition {
  const busyAt = locks.findIndex((lock) => isBusyFor(lock, request.token, now));
  if (busyAt === -1) return { outcome: { kind: 'acquired', fence: takeAll(locks, request, caller, now) } };

  const busy = present(locks[busyAt], 'the busy lock');
  if (request.queueMs === 0) {
    return { outcome: { kind: 'busy', name: busy.name, remainingMs: remainingMs(busy, now) } };
  }
  if (isFullFor(busy, request, now)) return { outcome: { kind: 'full', name: busy.name } };

  takeFirst(locks.slice(0, busyAt), request, caller, now);
  // Nobody holds it, and it is not the caller's turn: whoever is first gets it now rather than when it asks.
  const delivery = isHeld(busy, now) ? undefined : handOver(busy, now);
  // A name in front was taken away: what comes after it is given up, or two callers could wait in a circle.
  const beyond = locks.slice(busyAt + 1).filter((lock) => isHeldBy(lock, request.token, now));
  const deliveries = [delivery, ...beyond.map((lock) => handOver(lock, now))];
  enqueue(busy, { token: request.token, caller, deadlineMs: now.ms + request.queueMs, claimMs: request.claimMs });
  const { name, fence } = busy;
  return { outcome: { kind: 'queued', name, remainingMs: remainingMs(busy, now), fence }, deliveries };
}

/** Held by somebody else, or free and somebody else's turn. */
function isBusyFor(lock: LockState, token: string, now: Instant): boolean {
  if (isHeld(lock, now)) return lock.token !== token;
  const first = firstLiveWaiter(lock, now);
  return first !== undefined && first.token !== token;
}

function isFullFor(lock: LockState, request: AcquireRequest, now: Instant): boolean {
  if (isQueued(lock, request.token) || lock.queue.length < request.maxWaiters) return false;
  dropDeadWaiters(lock, now);
  return lock.queue.length >= request.maxWaiters;
}

/** One fence for all: a new one when any lock is new to the caller, else the largest it has (re-entry never mints). */
function takeAll(locks: readonly LockState[], request: AcquireRequest, caller: Caller, now: Instant): number {
  const largest = largestFence(locks);
  const isReentry = locks.every((lock) => isHeldBy(lock, request.token, now));
  const fence = isReentry ? largest : nextStamp(largest, now);
  for (const lock of locks) hold(lock, fence, request, caller, now);
  return fence;
}

/** The locks before the busy one: those already the caller's keep their fence until all are. */
function takeFirst(locks: readonly LockState[], request: AcquireRequest, caller: Caller, now: Instant): void {
  const fence = nextStamp(largestFence(locks), now);
  for (const lock of locks) {
    hold(lock, isHeldBy(lock, request.token, now) ? lock.fence : fence, request, caller, now);
  }
}

function largestFence(locks: readonly LockState[]): number {
  return locks.reduce((largest, lock) => Math.max(largest, lock.fence), 0);
}

function hold(lock: LockState, fence: number, request: AcquireRequest, caller: Caller, now: Instant): void {
  if (!isHeldBy(lock, request.token, now)) {
    lock.token = request.token;
    lock.promisedUntilMs = 0;
    lock.acquiredAtMs = now.ms;
    lock.owner = caller.label;
  }
  lock.expiresAtMs = Math.max(now.ms + request.leaseMs, lock.promisedUntilMs);
  lock.fence = fence;
  leaveQueue(lock, request.token);
}
