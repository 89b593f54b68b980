import type { Handover, LockInfo } from '../store/lock-operations.js';
import { nextStamp, type Instant } from './server-time.js';

/** The process that acquires or waits. */
export interface Caller {
  /** Where its hand-overs are announced. */
  readonly inbox: string;
  /** Its label, shown as the owner. */
  readonly label: string;
}

/** A place in the queue of one lock; live while its deadline lies ahead. */
export interface Waiter {
  readonly token: string;
  readonly caller: Caller;
  readonly deadlineMs: number;
  readonly claimMs: number;
}

/** Stands in for the token while `minHold` keeps a released name blocked; no caller's token is empty. */
export const BLOCKED = '';

/** Everything the server knows about one lock name. It is held while it has a token and its expiry lies ahead. */
export interface LockState {
  readonly name: string;
  token: string | undefined;
  expiresAtMs: number;
  /** A commit over several slots relies on this holder until then: no renewal makes it end before. */
  promisedUntilMs: number;
  /** Outlives the holder, so that the next one gets a larger number. */
  fence: number;
  acquiredAtMs: number;
  owner: string;
  /** First in, first out; dead waiters stay until somebody walks past them. */
  queue: Waiter[];
}

/** A hand-over and the inbox it is announced to. */
export interface Delivery {
  readonly inbox: string;
  readonly handover: Handover;
}

/** A name that nobody holds, waits for, or ever held. */
export function newLock(name: string): LockState {
  return {
    name,
    token: undefined,
    expiresAtMs: 0,
    promisedUntilMs: 0,
    fence: 0,
    acquiredAtMs: 0,
    owner: '',
    queue: [],
  };
}

export function isHeld(lock: LockState, now: Instant): boolean {
  return lock.token !== undefined && lock.expiresAtMs > now.ms;
}

export function isHeldBy(lock: LockState, token: string, now: Instant): boolean {
  return lock.token === token && lock.expiresAtMs > now.ms;
}

/** Until the lock is free at the latest; 0 when it is. */
export function remainingMs(lock: LockState, now: Instant): number {
  return isHeld(lock, now) ? lock.expiresAtMs - now.ms : 0;
}

function isLive(waiter: Waiter, now: Instant): boolean {
  return waiter.deadlineMs > now.ms;
}

export function firstLiveWaiter(lock: LockState, now: Instant): Waiter | undefined {
  return lock.queue.find((waiter) => isLive(waiter, now));
}

export function isQueued(lock: LockState, token: string): boolean {
  return lock.queue.some((waiter) => waiter.token === token);
}

export function leaveQueue(lock: LockState, token: string): void {
  lock.queue = lock.queue.filter((waiter) => waiter.token !== token);
}

export function dropDeadWaiters(lock: LockState, now: Instant): void {
  lock.queue = lock.queue.filter((waiter) => isLive(waiter, now));
}

/** Adds the waiter at the tail, or renews its entry in the place it has. */
export function enqueue(lock: LockState, waiter: Waiter): void {
  const place = lock.queue.findIndex(({ token }) => token === waiter.token);
  if (place === -1) lock.queue.push(waiter);
  else lock.queue[place] = waiter;
}

/** Gives the lock to its first live waiter for the length of that waiter's claim; without one it becomes free. */
export function handOver(lock: LockState, now: Instant): Delivery | undefined {
  for (let waiter = lock.queue.shift(); waiter !== undefined; waiter = lock.queue.shift()) {
    if (!isLive(waiter, now)) continue;
    lock.token = waiter.token;
    lock.promisedUntilMs = 0;
    lock.expiresAtMs = now.ms + waiter.claimMs;
    lock.fence = nextStamp(lock.fence, now);
    lock.acquiredAtMs = now.ms;
    lock.owner = waiter.caller.label;
    return { inbox: waiter.caller.inbox, handover: { token: waiter.token, name: lock.name, fence: lock.fence } };
  }
  lock.token = undefined;
  lock.promisedUntilMs = 0;
  lock.expiresAtMs = 0;
  lock.acquiredAtMs = 0;
  lock.owner = '';
  return undefined;
}

/** What may be shown of a held lock. */
export function describe(lock: LockState, now: Instant): LockInfo | null {
  if (!isHeld(lock, now)) return null;
  return {
    name: lock.name,
    fence: lock.fence,
    owner: lock.owner,
    heldForMs: now.ms - lock.acquiredAtMs,
    expiresInMs: lock.expiresAtMs - now.ms,
    waiters: lock.queue.length,
  };
}
