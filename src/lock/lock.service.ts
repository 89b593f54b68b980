import { sharedAbortController } from '../base/abort.js';
import { sleep } from '../base/clock.js';
import { InvalidOptionsError, LimitExceededError, LockTimeoutError, ShuttingDownError } from '../base/errors.js';
import { newId } from '../base/random.js';
import { checkKey } from '../store/key-space.js';
import { LIMITS } from '../store/limits.js';
import type { LockInfo, ReleaseOutcome } from '../store/lock-operations.js';
import { Acquisition } from './acquisition.js';
import { leaseOf, withHeldLock } from './held-locks.js';
import { Lease, type LossReason } from './lease.js';
import { LeaseWatchdog } from './lease-watchdog.js';
import type { Lock } from './lock.js';
import type { LockDependencies } from './lock-dependencies.js';
import { LockHandle } from './lock-handle.js';
import { type LockOptions, type ResolvedLockOptions, resolveLockOptions, resolveMaxWaiters } from './lock.options.js';
import { WaitingRoom } from './waiting-room.js';

type Names = string | readonly string[];

/** How often a drain looks whether the last lock was given back. */
const DRAIN_STEP_MS = 20;

/**
 * Distributed locks: mutual exclusion on names among all processes that share a store.
 *
 * A lock ends when it is released, when its lease ends without renewal, or at `maxHold`; `Lock.signal` tells its holder
 * before anybody else can own it. Waiters are served first in, first out. Guarantees G1 to G9.
 */
export class LockService {
  private readonly room: WaitingRoom;
  private readonly watchdog: LeaseWatchdog;
  private readonly acquisition: Acquisition;
  private readonly leases = new Set<Lease>();
  private readonly closing = sharedAbortController();

  constructor(private readonly deps: LockDependencies) {
    const { store, clock, random, report, options } = deps;
    resolveLockOptions({}, options);
    this.room = new WaitingRoom(store, clock);
    this.watchdog = new LeaseWatchdog(store, clock, report);
    this.acquisition = new Acquisition(store, this.room, clock, random, report, resolveMaxWaiters(options));
  }

  /**
   * Takes all names, waiting up to `wait`. The lock lives until it is released; it does not become part of the calling
   * context, so a second `acquire` of the same name waits. Use {@link withLock} for that.
   *
   * @throws LockTimeoutError `LOCK_TIMEOUT` when a name stayed busy
   * @throws StoreUnavailableError `STORE_UNAVAILABLE`, StoreTimeoutError `STORE_TIMEOUT`
   * @throws KeyTemplateError `KEY_TEMPLATE`, LimitExceededError `LIMIT_EXCEEDED` for unusable names
   * @throws ShuttingDownError `SHUTTING_DOWN`
   */
  async acquire(names: Names, options: LockOptions = {}): Promise<Lock> {
    return this.acquireHandle(names, options);
  }

  /** Like {@link acquire}, but never waits: null when a name is busy. */
  async tryAcquire(names: Names, options: LockOptions = {}): Promise<Lock | null> {
    try {
      return await this.acquire(names, { ...options, wait: 0 });
    } catch (error) {
      if (error instanceof LockTimeoutError) return null;
      throw error;
    }
  }

  /**
   * Runs `fn` while holding the names and releases them afterwards, whatever happens. Inside, the same names are
   * re-entered without a round trip, and transactions commit only while they are held.
   *
   * When the lock is lost, `lock.signal` fires; what `fn` then answers or throws is still what the caller gets.
   */
  async withLock<T>(names: Names, fn: (lock: Lock) => Promise<T>): Promise<T>;
  async withLock<T>(names: Names, options: LockOptions, fn: (lock: Lock) => Promise<T>): Promise<T>;
  async withLock<T>(
    names: Names,
    optionsOrFn: LockOptions | ((lock: Lock) => Promise<T>),
    maybeFn?: (lock: Lock) => Promise<T>,
  ): Promise<T> {
    const [options, fn] = typeof optionsOrFn === 'function' ? [{}, optionsOrFn] : [optionsOrFn, maybeFn];
    if (fn === undefined) throw new InvalidOptionsError('withLock needs a function to run under the lock');
    const lock = await this.acquireHandle(names, options);
    try {
      return await withHeldLock(lock, () => fn(lock));
    } finally {
      await lock.release();
    }
  }

  /** The present holder and queue of a name; null when nobody holds it. */
  inspect(name: string): Promise<LockInfo | null> {
    checkKey(name, 'lock name');
    return this.deps.store.inspectLock(name);
  }

  /** The held locks whose name fits the glob (`*` and `?`, default all); not a snapshot. For operators: it scans. */
  list(pattern = '*'): AsyncIterable<LockInfo> {
    return this.deps.store.listLocks(pattern);
  }

  /**
   * Takes a lock from its holder and gives it to the first waiter; false when nobody held it, or somebody else than
   * the one with `fence`. The old holder's signal fires at its next renewal, its commits are refused at once.
   */
  forceRelease(name: string, { fence }: { readonly fence?: number } = {}): Promise<boolean> {
    checkKey(name, 'lock name');
    return this.deps.store.forceReleaseLock(name, fence);
  }

  /**
   * Refuses new locks, waits up to `graceMs` for the held ones, then fires their signals and waits as long again.
   * What is still held then is left to its lease: releasing it would let others in while its method runs.
   */
  async drain(graceMs: number): Promise<void> {
    this.closing.abort(new ShuttingDownError('the application is closing: no new lock'));
    if (!(await this.isIdleWithin(graceMs))) {
      for (const lease of this.leases) lease.lose('shutdown' satisfies LossReason);
      await this.isIdleWithin(graceMs);
    }
    this.watchdog.stop();
    this.room.close();
    for (const lease of this.leases) {
      lease.end();
      const details = { names: lease.names };
      this.deps.report(new Error('a method still ran at shutdown; its lock ends with its lease'), {
        during: 'shutdown',
        details,
      });
    }
  }

  /** For the layer around decorated methods: {@link acquire} with what it takes to make the lock part of a call. */
  async acquireHandle(names: Names, given: LockOptions): Promise<LockHandle> {
    const options = resolveLockOptions(given, this.deps.options);
    const wanted = checkNames(names);
    this.closing.signal.throwIfAborted();
    const entered = new Set<Lease>();
    const missing: string[] = [];
    for (const name of wanted) {
      const lease = leaseOf(name, this);
      if (lease) entered.add(lease);
      else missing.push(name);
    }
    for (const lease of entered) lease.holds++;
    const token = newId();
    const taken: Lease[] = [];
    try {
      for (const group of this.bySlot(missing)) taken.push(await this.takeSlot(group, token, options, given.signal));
      if (taken.length > 1) await this.raiseFences(taken);
    } catch (error) {
      await Promise.all([...entered, ...taken].map((lease) => this.release(lease)));
      throw error;
    }
    const [reentered] = entered;
    return new LockHandle(
      wanted,
      taken.length > 0 || !reentered ? token : reentered.token,
      [...entered, ...taken],
      this,
      (lease) => this.release(lease),
    );
  }

  private async isIdleWithin(graceMs: number): Promise<boolean> {
    const untilMs = this.deps.clock.now() + graceMs;
    while (this.leases.size > 0 && this.deps.clock.now() < untilMs) await sleep(this.deps.clock, DRAIN_STEP_MS);
    return this.leases.size === 0;
  }

  private async takeSlot(
    names: readonly string[],
    token: string,
    options: ResolvedLockOptions,
    signal: AbortSignal | undefined,
  ): Promise<Lease> {
    const { clock } = this.deps;
    const either = signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
    const deadlineMs = clock.now() + options.waitMs;
    const grant = await this.acquisition.acquire({
      names,
      token,
      leaseMs: options.leaseMs,
      deadlineMs,
      signal: either,
    });
    const lease = new Lease(names, token, grant, options, clock);
    this.leases.add(lease);
    this.watchdog.watch(lease, { confirm: grant.isClaim });
    return lease;
  }

  /** Sorted by slot, then name: every process takes them in this order, so that nobody waits in a circle. */
  private bySlot(names: readonly string[]): string[][] {
    const groups = new Map<number, string[]>();
    for (const name of [...names].sort()) {
      const slot = this.deps.store.slotOf('lock', name);
      const group = groups.get(slot);
      if (group) group.push(name);
      else groups.set(slot, [name]);
    }
    return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
  }

  /** Slots have clocks of their own: gives all of them the largest fence, so that every name's next one is larger. */
  private async raiseFences(leases: readonly Lease[]): Promise<void> {
    const fence = Math.max(...leases.map((lease) => lease.fence));
    const lower = leases.filter((lease) => lease.fence < fence);
    const requests = lower.flatMap((lease) =>
      lease.names.map((name) => ({ name, token: lease.token, leaseMs: lease.nextLeaseMs(), fence })),
    );
    const outcomes = await this.deps.store.renewLocks(requests);
    const failed = requests.find((_, i) => outcomes[i] !== 'held');
    if (failed)
      throw new LockTimeoutError(`the lock ${failed.name} was lost while the other names were taken; try again`, {
        details: { name: failed.name },
      });
    for (const lease of lower) lease.raiseFence(fence);
  }

  private async release(lease: Lease): Promise<ReleaseOutcome | 'unknown'> {
    if (--lease.holds > 0) return lease.isHeld() ? 'released' : 'lost';
    const { names, token, options } = lease;
    this.watchdog.unwatch(lease);
    lease.end();
    try {
      return await this.deps.store.releaseLocks({ names, token, minHoldMs: options.minHoldMs });
    } catch (error) {
      this.deps.report(error, { during: 'lock release', details: { names } });
      return 'unknown';
    } finally {
      this.leases.delete(lease);
    }
  }
}

function checkNames(names: Names): string[] {
  const wanted = [...new Set(typeof names === 'string' ? [names] : names)];
  if (wanted.length === 0) throw new InvalidOptionsError('a lock needs at least one name');
  if (wanted.length > LIMITS.lockNames) {
    throw new LimitExceededError(`a lock of ${wanted.length} names; the limit is ${LIMITS.lockNames}`, {
      details: { names: wanted.length, limit: LIMITS.lockNames },
    });
  }
  for (const name of wanted) checkKey(name, 'lock name');
  return wanted;
}
