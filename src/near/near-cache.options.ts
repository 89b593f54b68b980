import { type Duration, toMs } from '../base/duration.js';
import { oneOf, onlyOptions, type OptionNames, wholeNumber } from '../base/option-checks.js';

/** Options of `forRoot({ cache: { near } })`: copies of entries in the memory of this process. */
export interface NearCacheOptions {
  /** Copies kept at most; the least recently used one makes room. Default 10,000; 1 to 10,000,000. */
  readonly maxEntries?: number;
  /** Their bytes at most, as the store keeps them, with 200 for each. Default 64 MiB; 1 KiB to 16 GiB. */
  readonly maxBytes?: number;
  /** How long a copy is given at most, also when nothing is heard of a change; never longer than its entry. Default `'30s'`; 1 ms to 1 day. */
  readonly ttl?: Duration;
  /**
   * `cloned` (default): every caller gets a value of its own. `frozen`: all callers share one, which is deeply frozen: much faster, and what
   * changes it throws. A Map, a Set, a Date and bytes cannot be frozen: a value with one of them is cloned all the same.
   */
  readonly values?: 'cloned' | 'frozen';
  /**
   * What to do while changes are not heard of, because the connection is lost: `bypass` (default) reads everything from the store, `serve` goes
   * on with the copies, and a duration does so for as long.
   */
  readonly whileDisconnected?: 'bypass' | 'serve' | Duration;
}

/** The options, checked. */
export interface ResolvedNearOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttlMs: number;
  readonly isFrozen: boolean;
  /** For how long copies are given while no change is heard of. */
  readonly servedDeafMs: number;
}

/** The options of `forRoot({ cache: { near } })`. */
export const NEAR_OPTIONS: OptionNames<NearCacheOptions> = {
  maxEntries: true,
  maxBytes: true,
  ttl: true,
  values: true,
  whileDisconnected: true,
};

const DAY_MS = 86_400_000;
const MIB = 1_048_576;

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveNearOptions(options: NearCacheOptions): ResolvedNearOptions {
  onlyOptions(options, NEAR_OPTIONS, 'cache.near');
  const {
    maxEntries = 10_000,
    maxBytes = 64 * MIB,
    ttl = '30s',
    values = 'cloned',
    whileDisconnected = 'bypass',
  } = options;
  return {
    maxEntries: wholeNumber(maxEntries, 'cache.near.maxEntries', 1, 10_000_000),
    maxBytes: wholeNumber(maxBytes, 'cache.near.maxBytes', 1_024, 16_384 * MIB),
    ttlMs: toMs(ttl, 'cache.near.ttl', { min: 1, max: DAY_MS }),
    isFrozen: oneOf(values, ['cloned', 'frozen'], 'cache.near.values') === 'frozen',
    servedDeafMs: deafMs(whileDisconnected),
  };
}

function deafMs(whileDisconnected: NonNullable<NearCacheOptions['whileDisconnected']>): number {
  if (whileDisconnected === 'bypass') return 0;
  if (whileDisconnected === 'serve') return Number.POSITIVE_INFINITY;
  return toMs(whileDisconnected, 'cache.near.whileDisconnected', { max: DAY_MS });
}
