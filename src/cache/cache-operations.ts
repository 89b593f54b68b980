import type { LoadOptions, ReadOptions, WriteOptions } from './cache.options.js';
import type { Loader, ManyLoader } from './loading/loader.js';

/** Several entries for one write. */
export type Entries = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>;

/** What can be done with entries by their keys, in the whole cache and in a namespace of it; see {@link TransactionalCache}. */
export interface CacheOperations {
  get<T = unknown>(key: string, options?: ReadOptions): Promise<T | undefined>;
  getMany<T = unknown>(keys: readonly string[], options?: ReadOptions): Promise<Map<string, T>>;
  has(key: string, options?: ReadOptions): Promise<boolean>;
  set(key: string, value: unknown, options?: WriteOptions): Promise<void>;
  setMany(entries: Entries, options?: WriteOptions): Promise<void>;
  delete(...keys: string[]): Promise<void>;
  update<T = unknown>(key: string, fn: (current: T | undefined) => T | Promise<T>, options?: WriteOptions): Promise<T>;
  getOrLoad<T = unknown>(key: string, loader: Loader<T>, options?: LoadOptions<NoInfer<T>>): Promise<T | undefined>;
  getOrLoadMany<T = unknown>(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options?: LoadOptions<NoInfer<T>>,
  ): Promise<Map<string, T>>;
}

/** The pairs of entries. */
export function pairsOf(entries: Entries): [string, unknown][] {
  return entries instanceof Map ? [...(entries as ReadonlyMap<string, unknown>)] : Object.entries(entries);
}
