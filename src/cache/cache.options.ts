import { type Duration, toMs } from '../base/duration.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';

/** Options of `forRoot({ cache })`. */
export interface CacheModuleOptions {
  /** How long an entry lives after its write; 0 for ever. Default `'10m'`; up to 365 days. */
  readonly ttl?: Duration;
}

/** The options of `forRoot({ cache })`. */
export const CACHE_MODULE_OPTIONS: OptionNames<CacheModuleOptions> = { ttl: true };

/** Options of one write. */
export interface WriteOptions {
  /** Overrides the module's `cache.ttl` for this write; 0 for ever, up to 365 days. */
  readonly ttl?: Duration;
}

const WRITE_OPTIONS: OptionNames<WriteOptions> = { ttl: true };

/** @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveTtlMs(options: WriteOptions, module: CacheModuleOptions): number {
  onlyOptions(options, WRITE_OPTIONS, 'a write');
  return toMs(options.ttl ?? module.ttl ?? '10m', 'cache.ttl');
}
