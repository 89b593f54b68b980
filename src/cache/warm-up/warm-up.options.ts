import type { Duration } from '../../base/duration.js';
import type { OptionNames } from '../../base/option-checks.js';
import type { StoreBound } from '../../base/store-name.js';
import type { VersionOf } from '../floors.js';

/** How a cache is warmed. Every option has a default in `forRoot({ cache: { warmUp } })`. */
export interface WarmUpOptions {
  /** Keys of one call of `load`. Default 100; 1 to 1,000. */
  readonly batch?: number;
  /** Calls of `load` at a time. Default 1; 1 to 32. */
  readonly concurrency?: number;
  /**
   * Warms again this long after the last time, by one node of all: what has expired meanwhile is loaded. Default: at the start alone; 1 s to 365 days.
   */
  readonly every?: Duration;
  /**
   * How long a warm-up counts for nodes that start after it: they find that it was done. Default four fifths of `every`, or else `'1m'`; 1 s to 365 days.
   */
  readonly freshFor?: Duration;
  /** Whether {@link CacheWarmUp.isReady} waits for it, and a failure is tried again until it succeeds. Default false: the next start tries again. */
  readonly required?: boolean;
  /** How long an entry lives after its load. Default the module's `cache.ttl`; 0 (for ever) to 365 days. */
  readonly ttl?: Duration;
  /** How long one call of `load` may take. Default the module's `cache.timeout`; 1 ms to 1 hour. */
  readonly timeout?: Duration;
  /** How long to wait for a value that others are loading. Default the module's `cache.wait`; up to 1 hour. */
  readonly wait?: Duration;
}

/** Options of `forRoot({ cache: { warmUp } })`. */
export type WarmUpModuleOptions = WarmUpOptions;

/** Options of one warm-up. */
export interface OneWarmUpOptions extends WarmUpOptions {
  /** The version that a value has where it comes from, as for loads. Default none. */
  readonly sourceVersion?: VersionOf<unknown>;
}

/** Options of `@WarmsCache`. */
export interface WarmsCacheOptions extends OneWarmUpOptions, StoreBound {}

/** The options of `forRoot({ cache: { warmUp } })`. */
export const WARM_UP_OPTIONS: OptionNames<WarmUpOptions> = {
  batch: true,
  concurrency: true,
  every: true,
  freshFor: true,
  required: true,
  ttl: true,
  timeout: true,
  wait: true,
};

/** The options of `@WarmsCache`. */
export const WARMS_CACHE_OPTIONS: OptionNames<WarmsCacheOptions> = {
  ...WARM_UP_OPTIONS,
  sourceVersion: true,
  store: true,
};
