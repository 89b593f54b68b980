import { type Duration, toMs } from '../base/duration.js';
import { oneOf, onlyOptions, type OptionNames } from '../base/option-checks.js';

/** Options of one write. */
export interface WriteOptions {
  /** How long the entry lives after its write; 0 for ever. Default the module's `cache.ttl`, `'10m'`; up to 365 days. */
  readonly ttl?: Duration;
}

/** Options of `getOrLoad` and `getOrLoadMany`. */
export interface LoadOptions extends WriteOptions {
  /**
   * How long a loader may take: then its signal aborts, and its callers get LoadTimeoutError `LOAD_TIMEOUT`. Other processes leave the load to it
   * for a second longer. Default the module's `cache.timeout`, `'5s'`; 1 ms to 1 hour.
   */
  readonly timeout?: Duration;
  /**
   * How long to wait for the value that another call is loading, here or in another process, before loading it as well, without caching it; 0 loads at once.
   * Default the module's `cache.wait`, `'10s'`, so that one that dies has a successor; up to 1 hour.
   */
  readonly wait?: Duration;
  /**
   * What a read outside of transactions does while the store does not answer: it gets the value from its loader, and caches it not, or it throws
   * `STORE_UNAVAILABLE` or `STORE_TIMEOUT`. Default the module's `cache.onStoreError`, `'load'`.
   */
  readonly onStoreError?: 'load' | 'throw';
}

/** Options of `forRoot({ cache })`: defaults for every write and every load. */
export type CacheModuleOptions = LoadOptions;

/** The options of one load in milliseconds. */
export interface ResolvedLoadOptions {
  readonly ttlMs: number;
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly onStoreError: 'load' | 'throw';
}

const HOUR_MS = 3_600_000;
/** The options of one write. */
export const WRITE_OPTIONS: OptionNames<WriteOptions> = { ttl: true };
/** The options of one load. */
export const LOAD_OPTIONS: OptionNames<LoadOptions> = { ttl: true, timeout: true, wait: true, onStoreError: true };

/** The options of `forRoot({ cache })`. */
export const CACHE_MODULE_OPTIONS: OptionNames<CacheModuleOptions> = LOAD_OPTIONS;

/** @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveTtlMs(options: WriteOptions, module: CacheModuleOptions): number {
  onlyOptions(options, WRITE_OPTIONS, 'a write');
  return toMs(options.ttl ?? module.ttl ?? '10m', 'cache.ttl');
}

/** @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveLoadOptions(options: LoadOptions, module: CacheModuleOptions): ResolvedLoadOptions {
  onlyOptions(options, LOAD_OPTIONS, 'a load');
  const { ttl, timeout = module.timeout ?? '5s', wait = module.wait ?? '10s' } = options;
  const onStoreError = options.onStoreError ?? module.onStoreError ?? 'load';
  oneOf(onStoreError, ['load', 'throw'], 'cache.onStoreError');
  return {
    ttlMs: resolveTtlMs(ttl === undefined ? {} : { ttl }, module),
    timeoutMs: toMs(timeout, 'cache.timeout', { min: 1, max: HOUR_MS }),
    waitMs: toMs(wait, 'cache.wait', { max: HOUR_MS }),
    onStoreError,
  };
}
