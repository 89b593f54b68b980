import { shownAs } from '../base/shown-as.js';
import type { NearCache } from '../near/near-cache.js';
import { noteUnreadable } from '../version/resource-call.js';
import { CacheCounters, type CacheStatistics } from './cache-counters.js';
import { CacheNamespace } from './cache-namespace.js';
import { type CacheOperations, type Entries, pairsOf } from './cache-operations.js';
import {
  checkModuleTtl,
  type LoadOptions,
  type ReadOptions,
  type ResolvedLoadOptions,
  resolveFloorTtlMs,
  resolveLoadOptions,
  resolveReadOptions,
  resolveTtlMs,
  type WriteOptions,
} from './cache.options.js';
import { valueCodecOf } from './codec/value-codec.js';
import { type CurrentEntry, CurrentEntries } from './current-entries.js';
import type { Evicted } from './evictions.js';
import type { Loader, ManyLoader } from './loading/loader.js';
import { ReadThrough } from './loading/read-through.js';
import { NearValues } from './near-values.js';
import { checkEntryKey } from './tags/tags.js';
import type { Validate } from './validation.js';
import { ValueLoads } from './value-loads.js';
import { ValueReader } from './value-reader.js';
import { type CacheParts, ValueWrites } from './value-writes.js';

const NO_OPTIONS: LoadOptions = Object.freeze({});

/** What the cache is made of. */
export interface CacheDependencies extends CacheParts {
  /** Copies of entries in this process. */
  readonly near?: NearCache | undefined;
}

/**
 * Cached values. Inside a transaction reads see the transaction's own writes, repeat what they first saw, and
 * writes wait for its commit; outside each call is a commit of its own, refused when a lock of the call is lost.
 *
 * Every method throws KeyTemplateError `KEY_TEMPLATE` or LimitExceededError `LIMIT_EXCEEDED` for unusable keys,
 * InvalidOptionsError `INVALID_OPTIONS` for bad options and values that the codec does not take, LimitExceededError for values that are too
 * large, and StoreUnavailableError `STORE_UNAVAILABLE` or StoreTimeoutError `STORE_TIMEOUT` when the store is away; a write outside a
 * transaction also what a commit throws, such as LockLostError `LOCK_LOST` and TransactionInDoubtError `TXN_IN_DOUBT`.
 */
export class TransactionalCache implements CacheOperations {
  private readonly counters = new CacheCounters();
  private readonly values: ValueReader;
  private readonly loads: ValueLoads;
  private readonly writes: ValueWrites;
  private readonly entries: CurrentEntries;
  private readonly near: NearValues | undefined;
  private readonly defaults: ResolvedLoadOptions;

  constructor(private readonly deps: CacheDependencies) {
    checkModuleTtl(deps.options);
    this.defaults = resolveLoadOptions({}, deps.options);
    resolveReadOptions({}, deps.options);
    const { coordinator, clock, near: copies, random, report } = deps;
    const { resolver, store, versionStrategy: strategy } = coordinator;
    this.entries = new CurrentEntries(coordinator);
    const { tags } = this.entries;
    const floorTtlMs = resolveFloorTtlMs(deps.options);
    const readThrough = new ReadThrough({ store, clock, random, resolver, strategy, report, tags, copies, floorTtlMs });
    const codec = valueCodecOf(deps.options);
    this.values = new ValueReader(codec, this.counters, report);
    this.loads = new ValueLoads({
      coordinator,
      clock,
      random,
      entries: this.entries,
      readThrough,
      values: this.values,
    });
    this.writes = new ValueWrites({ ...deps, tags, codec, floorTtlMs });
    this.near = copies && new NearValues(copies, codec, coordinator);
  }

  /** The value, or undefined when there is none. */
  async get<T = unknown>(key: string, options: ReadOptions = {}): Promise<T | undefined> {
    const near = options.readFrom === undefined ? this.near?.get(key, options.validate) : undefined;
    if (near !== undefined) return near.value as T | undefined;
    return (await this.getEntry<T>(key, options))?.value;
  }

  /** The values that exist, by key, in one round trip. Outside a transaction they may be of different moments. */
  async getMany<T = unknown>(keys: readonly string[], options: ReadOptions = {}): Promise<Map<string, T>> {
    const entries = await this.read(keys, options);
    const found = new Map<string, T>();
    keys.forEach((key, i) => {
      const value = this.valueOf<T>(key, entries[i], options);
      if (value !== undefined) found.set(key, value);
    });
    return found;
  }

  /**
   * Value and version of one read. For a key that the transaction itself wrote: the new value, and the version it
   * replaces (0 when it was not read).
   */
  async getEntry<T = unknown>(
    key: string,
    options: ReadOptions = {},
  ): Promise<{ readonly value: T; readonly version: number } | undefined> {
    const [entry] = await this.read([key], options);
    const value = this.valueOf<T>(key, entry, options);
    return value === undefined ? undefined : { value, version: entry?.version ?? 0 };
  }

  /** Whether there is a value, which is read for it. */
  async has(key: string, options: ReadOptions = {}): Promise<boolean> {
    return (await this.getEntry(key, options)) !== undefined;
  }

  /** Writes one value; it lives for `options.ttl`, by default the module's `cache.ttl`. */
  set(key: string, value: unknown, options: WriteOptions = {}): Promise<void> {
    return this.writes.put([[key, value]], options);
  }

  /** All entries together, with one TTL and the same tags. Outside a transaction they are one commit. */
  async setMany(entries: Entries, options: WriteOptions = {}): Promise<void> {
    await this.writes.put(pairsOf(entries), options);
  }

  /** Removes the entries together; absent ones are no error. */
  delete(...keys: string[]): Promise<void> {
    return this.evict({ keys });
  }

  /**
   * Makes every entry with one of the tags a miss: one write for each tag, whatever the number of entries, together with the transaction's, or as a commit of its own.
   * A load that began before keeps nothing under these tags.
   *
   * An entry that the same transaction writes with one of the tags is a miss after its commit as well.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` for more than 32 tags
   */
  invalidateTags(...tags: string[]): Promise<void> {
    return this.evict({ tags });
  }

  /**
   * What `delete` does to the keys and `invalidateTags` to the tags, together: outside a transaction in one commit. With a `floor` it reads the keys before,
   * a round trip more, so that in a transaction they belong to its read set, and outside of one it does both again after a conflict.
   *
   * @throws VersionConflictError `VERSION_CONFLICT` with a `floor` when others write the keys all the time, for the `budget` of `forRoot({ version })`
   */
  evict(evicted: Evicted): Promise<void> {
    return this.writes.evict(evicted);
  }

  /**
   * The value, or what `loader` gets from elsewhere, which is then cached for `options.ttl`, unless anything has happened to the key
   * since the load began: a slow loader never brings an old value back. Calls for one key share a load, in this process and with others, where it
   * is as fresh as their own would be; see {@link LoadOptions}.
   *
   * Inside a transaction what was loaded is the transaction's own view of the key, and is not cached: its snapshot may be an old one.
   * Every caller gets a copy of its own, as the codec gives it; of a near cache with `values: 'frozen'` all get one that nobody can change.
   *
   * @throws what `loader` throws; LoadTimeoutError `LOAD_TIMEOUT` when it takes longer than `options.timeout`
   */
  async getOrLoad<T = unknown>(
    key: string,
    loader: Loader<T>,
    options: LoadOptions<NoInfer<T>> = NO_OPTIONS,
  ): Promise<T | undefined> {
    const near = this.near?.get(key, options.validate);
    if (near !== undefined) return near.value as T | undefined;
    checkEntryKey(key);
    return await this.loads.one(key, loader, this.resolve(options)); // Awaited: a promise in a promise takes two more turns.
  }

  /**
   * The same for several keys: the values that exist, by key, in one round trip where all are cached. The others are asked for by one call of
   * `loader`, which gets their keys. Those that other calls are loading are waited for, and asked for by one call more where that was in vain. A key that it gives no value, or
   * undefined, has none. Each value is cached by itself: a write of one key during the
   * load keeps only that one from being published.
   *
   * @throws what `loader` throws; InvalidOptionsError `INVALID_OPTIONS` when it gives neither a Map nor an object; LoadTimeoutError `LOAD_TIMEOUT`
   */
  async getOrLoadMany<T = unknown>(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options: LoadOptions<NoInfer<T>> = NO_OPTIONS,
  ): Promise<Map<string, T>> {
    for (const key of keys) checkEntryKey(key);
    const resolved = this.resolve(options);
    const found = new Map<string, T>();
    const asked = this.far([...new Set(keys)], found, options.validate);
    if (asked.length === 0) return found;
    const loaded = await this.loads.many(asked, loader, resolved);
    return found.size === 0 ? loaded : new Map([...found, ...loaded]);
  }

  /**
   * The entries whose keys begin with `name` and a colon, as a cache of its own that can be cleared by one write. Only what is written or loaded
   * through a namespace of that name is cleared with it.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` for an empty name
   */
  namespace(name: string): CacheNamespace {
    return new CacheNamespace(this, name);
  }

  /**
   * Reads, computes and writes, and does it again when somebody else changed the key meanwhile. Inside a transaction
   * the conflict shows at its commit instead.
   *
   * @throws VersionConflictError `VERSION_CONFLICT` when the attempts of `forRoot({ version })` are spent
   */
  async update<T = unknown>(
    key: string,
    fn: (current: T | undefined) => T | Promise<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    checkEntryKey(key);
    resolveTtlMs(options, this.deps.options);
    const step = async (): Promise<T> => {
      const next = await fn(await this.get<T>(key));
      await this.set(key, next, options);
      return next;
    };
    return this.writes.again(step);
  }

  /** What has been counted in this process since the application started. */
  statistics(): CacheStatistics {
    return this.counters.snapshot();
  }

  /** The keys that no copy has; what copies have is added to the values. */
  private far<T>(keys: readonly string[], values: Map<string, T>, validate: Validate | undefined): readonly string[] {
    const { near } = this;
    if (near === undefined) return keys;
    return keys.filter((key) => {
      const found = near.get(key, validate);
      if (found?.value !== undefined) values.set(key, found.value as T);
      return found === undefined;
    });
  }

  private resolve(options: LoadOptions): ResolvedLoadOptions {
    return options === NO_OPTIONS ? this.defaults : resolveLoadOptions(options, this.deps.options);
  }

  private read(keys: readonly string[], options: ReadOptions): Promise<readonly CurrentEntry[]> {
    for (const key of keys) checkEntryKey(key);
    return this.entries.read(keys, resolveReadOptions(options, this.deps.options));
  }

  /** No version names what the call shows in the place of a value that does not do. */
  private valueOf<T>(key: string, entry: CurrentEntry | undefined, { validate }: ReadOptions): T | undefined {
    const value = this.values.read<T>(key, entry?.stored, validate);
    const isNone = entry?.stored === undefined || entry.stored.notes.none === true;
    if (value === undefined && !isNone) noteUnreadable(this.deps.coordinator.store, key);
    return value;
  }
}

shownAs(TransactionalCache, () => ({}));
