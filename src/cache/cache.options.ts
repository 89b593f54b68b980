import { type Duration, toMs } from '../base/duration.js';
import type { OptionNames } from '../base/option-checks.js';

/** Options of `forRoot({ cache })`. */
export interface CacheModuleOptions {
  /** How long an entry lives after its write; 0 for ever. Default `'10m'`; up to 365 days. */
  readonly ttl?: Duration;
}

/** The options of `forRoot({ cache })`. */
export const CACHE_MODULE_OPTIONS: OptionNames<CacheModuleOptions> = { ttl: true };

/** Options of one write. */
export interface WriteOptions {
  /** Overrides the module's `cache.ttl` for this write; 0 for ever. */
  readonly ttl?: Duration;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveTtlMs(options: WriteOptions, module: CacheModuleOptions): number {
  return toMs(options.ttl ?? module.ttl ?? '10m', 'cache.ttl');
}
