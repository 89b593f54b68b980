import { sharedAbortController } from '../base/abort.js';
import { InvalidOptionsError, LimitExceededError, LockTimeoutError, ShuttingDownError } from '../base/errors.js';
import { present } from '../base/assert.js';
import { isIdleWithin } from '../base/idle.js';
import { onlyOptions } from '../base/option-checks.js';
import { newId } from '../base/random.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { shownAs } from '../base/shown-as.js';
import { checkKey } from '../store/key-space.js';
import { LIMITS } from '../store/limits.js';
import type { LockInfo } from '../store/lock-operations.js';
import { leaseOf, withHeldLock } from './held-locks.js';
import type { Lease } from './lease.js';
import { LeaseRegistry } from './lease-registry.js';
import type { Lock } from './lock.js';
import type { LockDependencies } from './lock-dependencies.js';
import { LockHandle, type LockOwner, type ReleaseLease } from './lock-handle.js';
import { LOCK_OPTIONS, type LockOptions, resolveLockOptions } from './lock.options.js';

type Names = string | readonly string[];

/**
 * Distributed locks: mutual exclusion on names among all processes that share a store.
 *
 * A lock ends when it is released, when its lease ends without renewal, or at `maxHold`; `Lock.signal` tells its holder
 * before anybody else can own it. Waiters are served first in, first out. Guarantees G1 to G13.
 */
export class LockService implements LockOwner {
  /** The name of the module that this service belongs to. */
  readonly storeName: string;
  private readonly registry: LeaseRegistry;
  private readonly closing = sharedAbortController();
  private readonly release: ReleaseLease = (lease) => this.registry.release(lease);

  constructor(private readonly deps: LockDependencies) {
    this.storeName = deps.storeName ?? DEFAULT_STORE_NAME;
    resolveLockOptions({}, deps.options);
    this.registry = new LeaseRegistry(deps);
  }

  /**
   * Takes all names, waiting up to `wait`. The lock lives until it is released; it does not become part of the calling
   * context, so a second `acquire` of the same name waits. Use {@link withLock} for that.
   *
   * @throws LockTimeoutError `LOCK_TIMEOUT` when a name stayed busy
   * @throws StoreUnavailableError `STORE_UNAVAILABLE`, StoreTimeoutError `STORE_TIMEOUT`
   * @throws KeyTemplateError `KEY_TEMPLATE`, LimitExceededError `LIMIT_EXCEEDED` for unusable names
   * @throws InvalidOptionsError `INVALID_OPTIONS` for an option that does not exist or is out of bounds
   * @throws ShuttingDownError `SHUTTING_DOWN`
   */
  acquire(names: Names, options: LockOptions = {}): Promise<Lock> {
    return this.acquireHandle(names, options);
  }

  /** Like {@link acquire}, but never waits, whatever `wait` says: null when a name is busy. */
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
   *
   * @throws what {@link acquire} throws, and what `fn` throws
   */
  async withLock<T>(names: Names, fn: (lock: Lock) => T | Promise<T>): Promise<T>;
  async withLock<T>(names: Names, options: LockOptions, fn: (lock: Lock) => T | Promise<T>): Promise<T>;
  async withLock<T>(
    names: Names,
    optionsOrFn: LockOptions | ((lock: Lock) => T | Promise<T>),
    maybeFn?: (lock: Lock) => T | Promise<T>,
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

  /**
   * The present holder and queue of a name; null when nobody holds it.
   *
   * @throws KeyTemplateError `KEY_TEMPLATE` for a name that is none, StoreUnavailableError `STORE_UNAVAILABLE`,
   * StoreTimeoutError `STORE_TIMEOUT`
   */
  async inspect(name: string): Promise<LockInfo | null> {
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
   *
   * @throws KeyTemplateError `KEY_TEMPLATE` for a name that is none, StoreUnavailableError `STORE_UNAVAILABLE`,
   * StoreTimeoutError `STORE_TIMEOUT`: it may have happened
   */
  async forceRelease(name: string, options: { readonly fence?: number } = {}): Promise<boolean> {
    checkKey(name, 'lock name');
    // A misspelt fence would take the lock from whoever holds it now.
    onlyOptions(options, { fence: true }, 'forceRelease');
    return this.deps.store.forceReleaseLock(name, options.fence);
  }

  /**
   * Refuses new locks, waits up to `graceMs` for the held ones and for whatever is on its way, then fires the signals
   * and waits as long again. What is still held then is left to its lease: releasing it would let others in while its
   * method runs.
   * @internal
   */
  async drain(graceMs: number): Promise<void> {
    const { clock } = this.deps;
    const isIdle = (): boolean => this.registry.isIdle;
    this.closing.abort(new ShuttingDownError('the application is closing: no new lock'));
    if (!(await isIdleWithin(clock, isIdle, graceMs))) {
      this.registry.loseAll('shutdown');
      await isIdleWithin(clock, isIdle, graceMs);
    }
    for (const { names } of this.registry.close()) {
      const error = new Error('a method still ran at shutdown; its lock ends with its lease');
      this.deps.report(error, { during: 'shutdown', details: { names } });
    }
  }

  /**
   * For the layer around decorated methods: {@link acquire} with what it takes to make the lock part of a call.
   *
   * @param callSignal ends the waiting, and then fires the signal of the lock: the caller has left
   * @internal
   */
  async acquireHandle(names: Names, given: LockOptions, callSignal?: AbortSignal): Promise<LockHandle> {
    onlyOptions(given, LOCK_OPTIONS, 'a lock');
    const options = resolveLockOptions(given, this.deps.options);
    const wanted = checkNames(names);
    const entered = new Set<Lease>();
    const missing: string[] = [];
    for (const name of wanted) {
      const lease = leaseOf(name, this);
      if (lease) entered.add(lease);
      else missing.push(name);
    }
    for (const lease of entered) lease.holds++;
    const beside = [...entered];
    const token = missing.length > 0 ? newId() : present(beside[0], 'a lease').token;
    // Re-entry is no new lock: a method that is running may finish while the application closes.
    const signals = [this.closing.signal, given.signal, callSignal].filter((signal) => signal !== undefined);
    const taken =
      missing.length > 0 ? await this.registry.take({ names: missing, token, options, signals, beside }) : [];
    return new LockHandle(wanted, token, [...beside, ...taken], this, this.release, callSignal);
  }
}

function checkNames(names: Names): string[] {
  const wanted = typeof names === 'string' ? [names] : [...new Set(names)];
  if (wanted.length === 0) throw new InvalidOptionsError('a lock needs at least one name');
  if (wanted.length > LIMITS.lockNames) {
    throw new LimitExceededError(`a lock of ${wanted.length} names; the limit is ${LIMITS.lockNames}`, {
      details: { names: wanted.length, limit: LIMITS.lockNames },
    });
  }
  for (const name of wanted) checkKey(name, 'lock name');
  return wanted;
}

shownAs(LockService, ({ storeName }) => ({ storeName }));
