import { type Duration, toMs } from '../base/duration.js';
import { InvalidOptionsError } from '../base/errors.js';
import { type OptionNames, wholeNumber } from '../base/option-checks.js';
import type { StoreBound } from '../base/store-name.js';

/** How a lock is taken and kept. Every option has a default in `forRoot({ lock })`. */
export interface LockOptions {
  /** How long the lock is held without renewal. Default `'10s'`; 50 ms to 1 day. */
  readonly lease?: Duration;
  /** How long to wait for a busy lock; 0 never waits. Default `'5s'`, with `onBusy: 'skip'` 0; up to 1 day. */
  readonly wait?: Duration;
  /** `exclusive`: one holder at a time. The only mode so far. */
  readonly mode?: 'exclusive';
  /** Renews the lease every third of it while it is held. Default true. */
  readonly renew?: boolean;
  /** The longest a lock is held, renewals included; then its signal fires. Default `'5m'`; 50 ms to 7 days. */
  readonly maxHold?: Duration;
  /** Keeps the name blocked at least this long, even after an earlier release. Default 0, up to 1 day; for scheduled jobs. */
  readonly minHold?: Duration;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Options of `forRoot({ lock })`. */
export interface LockModuleOptions extends Omit<LockOptions, 'signal'> {
  /** Waiters one name admits before further ones get `LOCK_TIMEOUT` at once. Default 1,000; 1 to 100,000. */
  readonly maxWaiters?: number;
  /**
   * Callers of this process that may be asking for locks at once, whatever their names, before further ones get
   * `STORE_UNAVAILABLE` at once. Default 10,000; 1 to 1,000,000.
   */
  readonly maxPending?: number;
}

/** What `@Locked` adds. */
export interface LockedOptions extends Omit<LockOptions, 'signal'>, StoreBound {
  /**
   * What happens when the lock is still busy after `wait`. `throw` (default): `LockTimeoutError`, HTTP 423.
   * `skip`: the method does not run; HTTP answers 204, a provider method returns undefined.
   */
  readonly onBusy?: 'throw' | 'skip';
}

/** Lock options in milliseconds, nothing missing. */
export interface ResolvedLockOptions {
  readonly leaseMs: number;
  readonly waitMs: number;
  readonly renew: boolean;
  readonly maxHoldMs: number;
  readonly minHoldMs: number;
}

const KEPT: OptionNames<Omit<LockOptions, 'signal'>> = {
  lease: true,
  wait: true,
  mode: true,
  renew: true,
  maxHold: true,
  minHold: true,
};

/** The options of one call of `LockService`. */
export const LOCK_OPTIONS: OptionNames<LockOptions> = { ...KEPT, signal: true };

/** The options of `@Locked`. */
export const LOCKED_OPTIONS: OptionNames<LockedOptions> = { ...KEPT, onBusy: true, store: true };

/** The options of `forRoot({ lock })`. */
export const LOCK_MODULE_OPTIONS: OptionNames<LockModuleOptions> = { ...KEPT, maxWaiters: true, maxPending: true };

const DAY_MS = 86_400_000;
const DEFAULTS = { lease: '10s', wait: '5s', mode: 'exclusive', renew: true, maxHold: '5m', minHold: 0 } as const;
const MAX_WAITERS = 1_000;
const MAX_PENDING = 10_000;

/**
 * Fills in what is missing from the module's options, then from the library's.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function resolveLockOptions(options: LockOptions, module: LockModuleOptions): ResolvedLockOptions {
  const mode: string = options.mode ?? module.mode ?? DEFAULTS.mode;
  if (mode !== 'exclusive') {
    throw new InvalidOptionsError(`lock.mode: ${JSON.stringify(mode)} is not available; the one mode is 'exclusive'`, {
      details: { option: 'lock.mode' },
    });
  }
  const renew: unknown = options.renew ?? module.renew ?? DEFAULTS.renew;
  if (typeof renew !== 'boolean') {
    throw new InvalidOptionsError(`lock.renew: ${JSON.stringify(renew)} must be true or false`, {
      details: { option: 'lock.renew' },
    });
  }
  const maxHoldMs = toMs(options.maxHold ?? module.maxHold ?? DEFAULTS.maxHold, 'lock.maxHold', {
    min: 50,
    max: 7 * DAY_MS,
  });
  const leaseMs = toMs(options.lease ?? module.lease ?? DEFAULTS.lease, 'lock.lease', { min: 50, max: DAY_MS });
  return {
    leaseMs: Math.min(leaseMs, maxHoldMs),
    waitMs: toMs(options.wait ?? module.wait ?? DEFAULTS.wait, 'lock.wait', { max: DAY_MS }),
    renew,
    maxHoldMs,
    minHoldMs: toMs(options.minHold ?? module.minHold ?? DEFAULTS.minHold, 'lock.minHold', { max: DAY_MS }),
  };
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveMaxWaiters({ maxWaiters = MAX_WAITERS }: LockModuleOptions): number {
  return wholeNumber(maxWaiters, 'lock.maxWaiters', 1, 100_000);
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveMaxPending({ maxPending = MAX_PENDING }: LockModuleOptions): number {
  return wholeNumber(maxPending, 'lock.maxPending', 1, 1_000_000);
}
