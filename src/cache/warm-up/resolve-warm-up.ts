import { type Duration, toMs } from '../../base/duration.js';
import { flag, functionIfGiven, wholeNumber } from '../../base/option-checks.js';
import type { LoadOptions } from '../cache.options.js';
import type { OneWarmUpOptions, WarmUpModuleOptions } from './warm-up.options.js';

/** The options of one warm-up, nothing missing. */
export interface ResolvedWarmUpOptions {
  readonly batch: number;
  readonly concurrency: number;
  /** Undefined: at the start alone. */
  readonly everyMs: number | undefined;
  readonly freshMs: number;
  readonly isRequired: boolean;
  readonly load: LoadOptions;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** All nodes together warm about as often as one would: a node whose turn comes a little early finds that it is its turn. */
const FRESH_PART = 0.8;

/**
 * Fills in what is missing from the module's options, then from the library's. What stays away here has its default in `forRoot({ cache })`.
 *
 * @param where named in the message, such as `cache.warmUp`
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function resolveWarmUpOptions(
  options: OneWarmUpOptions,
  module: WarmUpModuleOptions,
  where: string,
): ResolvedWarmUpOptions {
  const {
    batch = 100,
    concurrency = 1,
    every,
    freshFor,
    required = false,
    sourceVersion,
    ttl,
    timeout,
    wait,
  } = merged(module, options);
  const duration = (value: Duration | undefined, name: string, bounds: { min?: number; max?: number }) =>
    value === undefined ? undefined : toMs(value, `${where}.${name}`, bounds);
  functionIfGiven(sourceVersion, `${where}.sourceVersion`);
  const everyMs = duration(every, 'every', { min: SECOND_MS });
  const [ttlMs, timeoutMs, waitMs] = [
    duration(ttl, 'ttl', {}),
    duration(timeout, 'timeout', { min: 1, max: HOUR_MS }),
    duration(wait, 'wait', { max: HOUR_MS }),
  ];
  return {
    batch: wholeNumber(batch, `${where}.batch`, 1, 1_000),
    concurrency: wholeNumber(concurrency, `${where}.concurrency`, 1, 32),
    everyMs,
    freshMs:
      duration(freshFor, 'freshFor', { min: SECOND_MS }) ??
      (everyMs === undefined ? 60 * SECOND_MS : Math.ceil(FRESH_PART * everyMs)),
    isRequired: flag(required, `${where}.required`),
    load: {
      ...(ttlMs !== undefined && { ttl: ttlMs }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      ...(waitMs !== undefined && { wait: waitMs }),
      ...(sourceVersion !== undefined && { sourceVersion }),
      // A value that cannot be cached warms nothing.
      onStoreError: 'throw',
    },
  };
}

/** An option that is undefined is one that was not given. */
function merged(module: WarmUpModuleOptions, options: OneWarmUpOptions): OneWarmUpOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...module, ...Object.fromEntries(given) };
}
