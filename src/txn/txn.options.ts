import { type Duration, toMs } from '../base/duration.js';
import { LimitExceededError } from '../base/errors.js';
import { oneOf, type OptionNames, wholeNumber } from '../base/option-checks.js';
import type { TransactionDatabase } from '../commit/deciders/transaction-database.js';
import type { Lock } from '../lock/lock.js';
import { LIMITS } from '../store/limits.js';
import type { RetryOptions } from '../version/version.options.js';
import { type Propagation, PROPAGATIONS } from './propagation.js';

/**
 * `serializable` (default): the commit also checks that nothing the transaction read has changed.
 * `read-committed`: only what it wrote is checked against what it read of it; write skew is possible.
 */
export type Isolation = 'serializable' | 'read-committed';

/**
 * Options of `@CacheTxn` and `TransactionCoordinator.run`. A part that joins or nests has isolation, time-out, `readOnly`
 * and signal of the transaction it takes part in; its `locks` are demanded of the whole.
 */
export interface TransactionOptions {
  /** What to do about a transaction that is already there. Default `required`. */
  readonly propagation?: Propagation;
  /** What the commit checks beside what is written. Default `serializable`. */
  readonly isolation?: Isolation;
  /** From the beginning to the commit; then it is rolled back with `TXN_TIMEOUT`. Default `'5s'`; 1 ms to 1 hour. */
  readonly timeout?: Duration;
  /** Refuses writes. Its reads are still validated together, in one round trip. Default false. */
  readonly readOnly?: boolean;
  /** Further locks that the commit demands, besides those of the call: locks got from `LockService.acquire`. */
  readonly locks?: readonly Lock[];
  /**
   * Rolls back when it aborts before the commit. The answer comes when `fn` has settled, at the time-out at the latest:
   * locks around it must not be given back while it works.
   */
  readonly signal?: AbortSignal;
}

/** Options of `forRoot({ txn })`. */
export interface TransactionModuleOptions extends Pick<TransactionOptions, 'isolation' | 'timeout'> {
  /** Keys of one transaction, read and written. Default and hard limit 128. */
  readonly maxKeys?: number;
  /** Encoded bytes one transaction writes. Default and hard limit 8 MiB. */
  readonly maxBytes?: number;
  /**
   * How often this process looks for transactions over several cluster slots whose owner has died, to settle them. Default
   * `'500ms'`; 50 ms to 1 minute; false never looks, and leaves it to readers and to other processes.
   */
  readonly recovery?: Duration | false;
  /**
   * The database that may decide transactions, so that rows and cache entries are committed together: what `pgTransactional` or
   * `postgresMarkers` of `nestjs-cache-txn/pg` makes. Default none: a transaction covers the cache alone.
   */
  readonly database?: TransactionDatabase;
}

/** The options of `TransactionCoordinator.run`. */
export const TRANSACTION_OPTIONS: OptionNames<TransactionOptions> = {
  propagation: true,
  isolation: true,
  timeout: true,
  readOnly: true,
  locks: true,
  signal: true,
};

/** Options of `TransactionCoordinator.runWithRetry`. */
export interface RunWithRetryOptions extends TransactionOptions {
  /** Default: those of `forRoot({ version })`. */
  readonly retry?: RetryOptions;
}

/** The options of `TransactionCoordinator.runWithRetry`. */
export const RUN_WITH_RETRY_OPTIONS: OptionNames<RunWithRetryOptions> = {
  ...TRANSACTION_OPTIONS,
  retry: true,
};

/** The options of `forRoot({ txn })`. */
export const TXN_MODULE_OPTIONS: OptionNames<TransactionModuleOptions> = {
  isolation: true,
  timeout: true,
  maxKeys: true,
  maxBytes: true,
  recovery: true,
  database: true,
};

export interface TransactionLimits {
  readonly maxKeys: number;
  readonly maxBytes: number;
}

export interface ResolvedTransactionOptions extends TransactionLimits {
  readonly propagation: Propagation;
  readonly isolation: Isolation;
  readonly timeoutMs: number;
  readonly readOnly: boolean;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveTransactionOptions(
  options: TransactionOptions,
  module: TransactionModuleOptions,
): ResolvedTransactionOptions {
  return {
    propagation: oneOf(options.propagation ?? 'required', PROPAGATIONS, 'txn.propagation'),
    isolation: oneOf(
      options.isolation ?? module.isolation ?? 'serializable',
      ['serializable', 'read-committed'],
      'txn.isolation',
    ),
    timeoutMs: toMs(options.timeout ?? module.timeout ?? '5s', 'txn.timeout', { min: 1, max: 3_600_000 }),
    readOnly: options.readOnly ?? false,
    maxKeys: wholeNumber(module.maxKeys ?? LIMITS.txnKeys, 'txn.maxKeys', 1, LIMITS.txnKeys),
    maxBytes: wholeNumber(module.maxBytes ?? LIMITS.txnBytes, 'txn.maxBytes', 1, LIMITS.txnBytes),
  };
}

/** Undefined for never. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function recoveryPeriodMs({ recovery = '500ms' }: TransactionModuleOptions): number | undefined {
  return recovery === false ? undefined : toMs(recovery, 'txn.recovery', { min: 50, max: 60_000 });
}

/** @throws LimitExceededError `LIMIT_EXCEEDED` */
export function checkValueBytes(bytes: number, key: string): void {
  if (bytes <= LIMITS.valueBytes) return;
  throw new LimitExceededError(`the value of ${key} has ${bytes} bytes, the limit is ${LIMITS.valueBytes}`, {
    details: { key, bytes, limit: LIMITS.valueBytes },
  });
}
