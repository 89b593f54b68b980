import type { Clock } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { Random } from '../base/random.js';
import { shownAs } from '../base/shown-as.js';
import { checkKey } from '../store/key-space.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import type { BufferedWrite, View } from '../txn/txn-buffer.js';
import { retryConflicts } from '../version/conflict-retry.js';
import { noteUnreadable } from '../version/resource-call.js';
import { resolveRetryOptions, type VersionModuleOptions } from '../version/version.options.js';
import {
  type CacheModuleOptions,
  type LoadOptions,
  resolveLoadOptions,
  resolveTtlMs,
  type WriteOptions,
} from './cache.options.js';
import { decode, encode } from './json-codec.js';
import { encoding, type Loader, loadInside, type ManyLoader } from './loader.js';
import { ReadThrough } from './read-through.js';

/** What the cache is made of. */
export interface CacheDependencies {
  readonly coordinator: TransactionCoordinator;
  readonly options: CacheModuleOptions;
  readonly version: VersionModuleOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}

/** Several entries for one write. */
export type Entries = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>;

/**
 * Cached values as JSON. Inside a transaction reads see the transaction's own writes, repeat what they first saw, and
 * writes wait for its commit; outside each call is a commit of its own, refused when a lock of the call is lost.
 *
 * Every method throws KeyTemplateError `KEY_TEMPLATE` or LimitExceededError `LIMIT_EXCEEDED` for unusable keys,
 * InvalidOptionsError `INVALID_OPTIONS` for bad options and values that JSON cannot hold, LimitExceededError for values that are too
 * large, and StoreUnavailableError `STORE_UNAVAILABLE` or StoreTimeoutError `STORE_TIMEOUT` when the store is away; a write outside a
 * transaction also what a commit throws, such as LockLostError `LOCK_LOST` and TransactionInDoubtError `TXN_IN_DOUBT`.
 */
export class TransactionalCache {
  private readonly readThrough: ReadThrough;

  constructor(private readonly deps: CacheDependencies) {
    resolveLoadOptions({}, deps.options);
    const { resolver, store, versionStrategy: strategy } = deps.coordinator;
    this.readThrough = new ReadThrough({ store, clock: deps.clock, resolver, strategy, report: deps.report });
  }

  /** The value, or undefined when there is none. */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.getEntry<T>(key))?.value;
  }

  /** The values that exist, by key, in one round trip. Outside a transaction they may be of different moments. */
  async getMany<T = unknown>(keys: readonly string[]): Promise<Map<string, T>> {
    const views = await this.read(keys);
    const found = new Map<string, T>();
    keys.forEach((key, i) => {
      const value = this.valueOf<T>(key, views[i]);
      if (value !== undefined) found.set(key, value);
    });
    return found;
  }

  /**
   * Value and version of one read. For a key that the transaction itself wrote: the new value, and the version it
   * replaces (0 when it was not read).
   */
  async getEntry<T = unknown>(key: string): Promise<{ readonly value: T; readonly version: number } | undefined> {
    const [view] = await this.read([key]);
    const value = this.valueOf<T>(key, view);
    return value === undefined ? undefined : { value, version: view?.version ?? 0 };
  }

  /** Whether there is a value, which is read for it. */
  async has(key: string): Promise<boolean> {
    return (await this.getEntry(key)) !== undefined;
  }

  /** Writes one value; it lives for `options.ttl`, by default the module's `cache.ttl`. */
  async set(key: string, value: unknown, options: WriteOptions = {}): Promise<void> {
    const pending = this.write([[key, this.putOf(key, value, options)]]);
    if (pending) await pending;
  }

  /** All entries together, with one TTL. Outside a transaction they are one commit. */
  async setMany(entries: Entries, options: WriteOptions = {}): Promise<void> {
    const pairs = entries instanceof Map ? [...(entries as ReadonlyMap<string, unknown>)] : Object.entries(entries);
    const pending = this.write(pairs.map(([key, value]) => [key, this.putOf(key, value, options)]));
    if (pending) await pending;
  }

  /** Removes the entries together; absent ones are no error. */
  async delete(...keys: string[]): Promise<void> {
    for (const key of keys) checkKey(key, 'key');
    const pending = this.write([...new Set(keys)].map((key) => [key, { kind: 'delete' }]));
    if (pending) await pending;
  }

  /**
   * The value, or what `loader` gets from elsewhere, which is then cached for `options.ttl`, unless anything has happened to the key
   * since the load began: a slow loader never brings an old value back. Calls for one key share a load, in this process and with others, where it
   * is as fresh as their own would be; see {@link LoadOptions}.
   *
   * Inside a transaction what was loaded is the transaction's own view of the key, and is not cached: its snapshot may be an old one.
   * Every caller gets a copy of its own, as JSON gives it.
   *
   * @throws what `loader` throws; LoadTimeoutError `LOAD_TIMEOUT` when it takes longer than `options.timeout`
   */
  async getOrLoad<T = unknown>(key: string, loader: Loader<T>, options: LoadOptions = {}): Promise<T | undefined> {
    const load: ManyLoader<T> = async (_keys, signal) => new Map([[key, await loader(signal)]]);
    return (await this.getOrLoadMany<T>([key], load, options)).get(key);
  }

  /**
   * The same for several keys: the values that exist, by key, in one round trip where all are cached. The others are asked for by one call of
   * `loader`, which gets their keys, apart from those that other calls are loading, which
   * are asked for by themselves when they were waited for in vain; a key that it gives no value, or undefined, has none. Each value is cached by itself: a write of one key during the
   * load keeps only that one from being published.
   *
   * @throws what `loader` throws; InvalidOptionsError `INVALID_OPTIONS` when it gives neither a Map nor an object; LoadTimeoutError `LOAD_TIMEOUT`
   */
  async getOrLoadMany<T = unknown>(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options: LoadOptions = {},
  ): Promise<Map<string, T>> {
    for (const key of keys) checkKey(key, 'key');
    const { clock, coordinator, options: defaults } = this.deps;
    const resolved = resolveLoadOptions(options, defaults);
    const asked = [...new Set(keys)];
    const load = encoding(loader, clock, resolved.timeoutMs);
    const txn = coordinator.active();
    const texts = txn
      ? await loadInside(coordinator, txn, asked, load)
      : await this.readThrough.get(asked, load, resolved);
    const found = this.valuesOf<T>(texts);
    if (found.size === texts.size) return found;
    // What cannot be read stays until its TTL, or until somebody writes the key.
    const unreadable = [...texts.keys()].filter((key) => !found.has(key));
    for (const key of unreadable) noteUnreadable(coordinator.store, key);
    return new Map([...found, ...this.valuesOf<T>(await load(unreadable))]);
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
    checkKey(key, 'key');
    resolveTtlMs(options, this.deps.options);
    const step = async (): Promise<T> => {
      const next = await fn(await this.get<T>(key));
      await this.set(key, next, options);
      return next;
    };
    if (this.deps.coordinator.active()) return step();
    const retry = resolveRetryOptions({}, this.deps.version);
    const deps = { ...this.deps, owner: this.deps.coordinator, isComputation: true };
    return retryConflicts(retry, deps, undefined, () => this.deps.coordinator.run(step));
  }

  private read(keys: readonly string[]): readonly View[] | Promise<readonly View[]> {
    for (const key of keys) checkKey(key, 'key');
    if (keys.length === 0) return [];
    return this.deps.coordinator.active()?.read(keys) ?? this.readAlone(keys);
  }

  private async readAlone(keys: readonly string[]): Promise<readonly View[]> {
    const records = await this.deps.coordinator.alone.read(keys);
    return records.map((record) => ({ value: record?.value, version: record?.version ?? 0 }));
  }

  /** Answers the commit to wait for when there is no transaction whose commit will do. */
  private write(writes: readonly (readonly [string, BufferedWrite])[]): Promise<unknown> | undefined {
    const txn = this.deps.coordinator.active();
    if (!txn) return this.deps.coordinator.alone.write(writes);
    txn.write(writes);
    return undefined;
  }

  private putOf(key: string, value: unknown, options: WriteOptions): BufferedWrite {
    checkKey(key, 'key');
    return { kind: 'put', value: encode(value, key), ttlMs: resolveTtlMs(options, this.deps.options) };
  }

  private valuesOf<T>(texts: ReadonlyMap<string, string>): Map<string, T> {
    const values = new Map<string, T>();
    for (const [key, text] of texts) {
      const value = this.valueOf<T>(key, { value: text, version: 0 });
      if (value !== undefined) values.set(key, value);
    }
    return values;
  }

  private valueOf<T>(key: string, view: View | undefined): T | undefined {
    if (view?.value === undefined) return undefined;
    const decoded = decode(view.value);
    if ('value' in decoded) return decoded.value as T;
    const error = new Error(`a cached value ${decoded.problem}; it counts as a miss`);
    this.deps.report(error, { during: 'cache read', details: { key } });
    return undefined;
  }
}

shownAs(TransactionalCache, () => ({}));
