import { type Duration, toMs } from '../base/duration.js';
import type { NearCacheOptions } from '../near/near-cache.options.js';
import { InvalidOptionsError } from '../base/errors.js';
import { between, functionIfGiven, oneOf, onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { EntryReadOptions } from '../store/entry-operations.js';
import type { Codec } from './codec/codec.js';
import type { PrincipalOptions } from './decorators/principal.js';
import { checkTags } from './tags/tags.js';
import type { VersionOf } from './floors.js';
import type { Validate } from './validation.js';
import type { WarmUpModuleOptions } from './warm-up/warm-up.options.js';

/** Options of `get`, `getMany`, `getEntry` and `has`. */
export interface ReadOptions {
  /**
   * Who is asked: the `primary`, or a `replica`, which may be behind it, and which the primary stands in for where it does not answer. Inside a
   * transaction, under a lock, in a loader and for the resource of an ETag it is always the primary. Default the module's `cache.readFrom`, `'primary'`.
   */
  readonly readFrom?: 'primary' | 'replica';
  /** Refuses values: one for which it gives anything but true, or throws, is a miss, told and counted as one that cannot be read. Default none. */
  readonly validate?: Validate;
}

/** Options of one write. */
export interface WriteOptions {
  /** How long the entry lives after its write; 0 for ever. Default the module's `cache.ttl`, `'10m'`; up to 365 days. */
  readonly ttl?: Duration;
  /** Names with which the entry can be invalidated together with others, by `cache.invalidateTags`. Default none; up to 32. */
  readonly tags?: readonly string[];
  /** As for loads: no load replaces the value with one that is older at its source. The write itself is compared with nothing. Default none. */
  readonly sourceVersion?: VersionOf<unknown>;
}

/** Gives the TTL of a value that was loaded. */
export type TtlOf<T> = { bivarianceHack(value: T): Duration }['bivarianceHack'];

/** Options of `getOrLoad` and `getOrLoadMany`. */
export interface LoadOptions<T = unknown> {
  /** How long a loaded value is fresh, or a function of it that says so; 0 for ever. Default the module's `cache.ttl`, `'10m'`; up to 365 days. */
  readonly ttl?: Duration | TtlOf<T>;
  /** As for writes. What is invalidated while it is loaded is given to its callers and cached by nobody. */
  readonly tags?: readonly string[];
  /**
   * Gives the version that a value has where it comes from, such as a column of its row that every change increments, or the time of the change: a whole
   * number from 0 on that grows with every change. A load keeps nothing in the place of a value, or of what `cache.evict` has left, that is older there.
   * Default none, and then it replaces nothing that has one.
   */
  readonly sourceVersion?: VersionOf<T>;
  /** As for reads: a cached value that it refuses is loaded anew and replaced. What the loader gives is trusted. Default none. */
  readonly validate?: Validate;
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
  /**
   * For how long after its `ttl` a value is still given at once, while one call of all processes loads it anew. Default the module's, 0; up to 365 days.
   * Until then `get` and transactions give it as well: nobody has written anything newer.
   */
  readonly staleWhileRevalidate?: Duration;
  /** For how long after its `ttl` a value is given when loading it anew fails, or takes longer than `softTimeout`. Default the module's, 0; up to 365 days. */
  readonly staleIfError?: Duration;
  /** How long a call waits for a load where it has a stale value to give instead; the load goes on. Default the module's, `timeout`; 1 ms to 1 hour. */
  readonly softTimeout?: Duration;
  /** For how long it is remembered that the loader gave no value (`undefined`). Default the module's, 0: it is asked again each time; up to 365 days. */
  readonly negativeTtl?: Duration;
  /** Each `ttl` is shortened by up to this part of it, at random, so that what was loaded together does not end together. Default the module's, 0; up to 1. */
  readonly jitter?: number;
  /** A value that is read with less than this left is loaded anew, behind the call's back. Default the module's, 0; less than the `ttl`. */
  readonly refreshAhead?: Duration;
  /**
   * The same by chance, the likelier the nearer the end is and the longer the load took, so that it hits one of many calls: the beta of XFetch; 1 is
   * usual. Default the module's, 0: never; up to 100.
   */
  readonly xfetch?: number;
}

/** The options of a load that have no default in the module. */
type OfOneLoad = 'tags' | 'sourceVersion' | 'validate';

/** Options of `forRoot({ cache })`: defaults for every write, every load and every `@Cached`. */
export interface CacheModuleOptions
  extends Omit<LoadOptions, OfOneLoad | 'ttl'>, PrincipalOptions, Pick<ReadOptions, 'readFrom'> {
  /** Default `'10m'`; up to 365 days. */
  readonly ttl?: Duration;
  /** How long the floor of a removed value stays, in the place of the value: longer than replicas of its source lag. Default `'1m'`; 1 ms to 365 days. */
  readonly floorTtl?: Duration;
  /** Copies of entries in the memory of this process; `true` for its defaults. Default none. */
  readonly near?: NearCacheOptions | boolean;
  /** Defaults of every warm-up. */
  readonly warmUp?: WarmUpModuleOptions;
  /** How values become texts. Default `jsonCodec()`; another is `msgpackCodec()` of `nestjs-cache-txn/msgpack`, or one of your own. */
  readonly codec?: Codec;
}

/** The options of one load in milliseconds. */
export interface ResolvedLoadOptions {
  readonly ttl: number | TtlOf<unknown>;
  readonly tags: readonly string[];
  readonly sourceVersion: VersionOf<unknown> | undefined;
  readonly validate: Validate | undefined;
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly onStoreError: 'load' | 'throw';
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly softTimeoutMs: number;
  readonly negativeTtlMs: number;
  readonly jitter: number;
  readonly refreshAheadMs: number;
  readonly xfetch: number;
}

const HOUR_MS = 3_600_000;
/** What loads have and the module has defaults for. */
const DEFAULTS: OptionNames<Omit<LoadOptions, OfOneLoad>> = {
  ttl: true,
  timeout: true,
  wait: true,
  onStoreError: true,
  staleWhileRevalidate: true,
  staleIfError: true,
  softTimeout: true,
  negativeTtl: true,
  jitter: true,
  refreshAhead: true,
  xfetch: true,
};
/** The options of one read. */
const READ_OPTIONS: OptionNames<ReadOptions> = { readFrom: true, validate: true };
/** The options of one write. */
export const WRITE_OPTIONS: OptionNames<WriteOptions> = { ttl: true, tags: true, sourceVersion: true };
/** The options of one load. */
export const LOAD_OPTIONS: OptionNames<LoadOptions> = { ...DEFAULTS, tags: true, sourceVersion: true, validate: true };
/** The options of `forRoot({ cache })`. */
export const CACHE_MODULE_OPTIONS: OptionNames<CacheModuleOptions> = {
  ...DEFAULTS,
  codec: true,
  floorTtl: true,
  near: true,
  principal: true,
  readFrom: true,
  warmUp: true,
};

/** Those of the options that one load has. */
export function loadOptionsOf(options: LoadOptions): LoadOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(LOAD_OPTIONS, name)));
}

/** Undefined for the primary, or a copy of it in this process. @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveReadOptions(options: ReadOptions, module: CacheModuleOptions): EntryReadOptions | undefined {
  onlyOptions(options, READ_OPTIONS, 'a read');
  functionIfGiven(options.validate, 'validate');
  const from = oneOf(options.readFrom ?? module.readFrom ?? 'primary', ['primary', 'replica'], 'cache.readFrom');
  return from === 'replica' || options.readFrom !== undefined ? { from } : undefined;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveTtlMs(options: WriteOptions, module: CacheModuleOptions): number {
  onlyOptions(options, WRITE_OPTIONS, 'a write');
  functionIfGiven(options.sourceVersion, 'sourceVersion');
  return ttlMsOf(options.ttl ?? module.ttl ?? '10m');
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveFloorTtlMs({ floorTtl = '1m' }: CacheModuleOptions): number {
  return toMs(floorTtl, 'cache.floorTtl', { min: 1 });
}

/** The TTL that a function gave. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function ttlMsOf(ttl: Duration): number {
  return toMs(ttl, 'cache.ttl');
}

/** @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function resolveLoadOptions(options: LoadOptions, module: CacheModuleOptions): ResolvedLoadOptions {
  const resolved = loadOptionsIn(options, module);
  const { jitter, refreshAheadMs, ttl } = resolved;
  const shortestMs = typeof ttl === 'function' || ttl === 0 ? Number.POSITIVE_INFINITY : ttl * (1 - jitter);
  if (refreshAheadMs === 0 || refreshAheadMs < shortestMs) return resolved;
  throw new InvalidOptionsError(
    `cache.refreshAhead: ${refreshAheadMs} ms must be less than the ttl, which is ${shortestMs} ms at least, or every read would load`,
    { details: { option: 'cache.refreshAhead', ms: refreshAheadMs, max: shortestMs } },
  );
}

/** What can be said of them before the module is known. @throws InvalidOptionsError `INVALID_OPTIONS`, also for an option that does not exist */
export function checkLoadOptions(options: LoadOptions): void {
  loadOptionsIn(options, {});
}

function loadOptionsIn(options: LoadOptions, module: CacheModuleOptions): ResolvedLoadOptions {
  onlyOptions(options, LOAD_OPTIONS, 'a load');
  const given = <N extends keyof LoadOptions>(name: N): LoadOptions[N] =>
    options[name] ?? (module as LoadOptions)[name];
  const ttl = given('ttl') ?? '10m';
  const timeoutMs = toMs(given('timeout') ?? '5s', 'cache.timeout', { min: 1, max: HOUR_MS });
  return {
    ttl: typeof ttl === 'function' ? ttl : ttlMsOf(ttl),
    tags: checkTags(options.tags ?? []),
    sourceVersion: functionIfGiven(options.sourceVersion, 'sourceVersion'),
    validate: functionIfGiven(options.validate, 'validate'),
    timeoutMs,
    waitMs: toMs(given('wait') ?? '10s', 'cache.wait', { max: HOUR_MS }),
    onStoreError: oneOf(given('onStoreError') ?? 'load', ['load', 'throw'], 'cache.onStoreError'),
    staleWhileRevalidateMs: toMs(given('staleWhileRevalidate') ?? 0, 'cache.staleWhileRevalidate'),
    staleIfErrorMs: toMs(given('staleIfError') ?? 0, 'cache.staleIfError'),
    softTimeoutMs: toMs(given('softTimeout') ?? timeoutMs, 'cache.softTimeout', { min: 1, max: HOUR_MS }),
    negativeTtlMs: toMs(given('negativeTtl') ?? 0, 'cache.negativeTtl'),
    jitter: between(given('jitter') ?? 0, 'cache.jitter', 0, 1),
    refreshAheadMs: toMs(given('refreshAhead') ?? 0, 'cache.refreshAhead'),
    xfetch: between(given('xfetch') ?? 0, 'cache.xfetch', 0, 100),
  };
}

/** @throws InvalidOptionsError `INVALID_OPTIONS`: a function of the value has no place where there is none yet */
export function checkModuleTtl({ ttl }: CacheModuleOptions): void {
  if (typeof ttl === 'function')
    throw new InvalidOptionsError(
      'cache.ttl of the module has to be a duration; give a function of the value to each load',
      {
        details: { option: 'cache.ttl' },
      },
    );
}
