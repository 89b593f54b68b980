import type { LoadedValues } from '../loading/loader.js';

/** The keys to warm, in the order in which they are wanted. They are read as they are needed, so there may be any number. */
export type WarmUpKeys = Iterable<string> | AsyncIterable<string>;

/** A provider with `@WarmsCache()`: says which keys the cache should have when the application starts, and where their values come from. */
export interface CacheWarmer<T = unknown> {
  /**
   * The keys, as `getOrLoad` would be given them. Where it is an array, a Set or a Map's keys in an array, progress is told in per cent.
   *
   * @param signal aborts when the warm-up stops: at shutdown, or when another node has taken over
   */
  keys(signal: AbortSignal): WarmUpKeys | Promise<WarmUpKeys>;
  /**
   * The values of some keys, all together; only of those that are not cached. No value, or undefined, for a key that has none. The signal aborts when
   * the load has taken longer than its `timeout`, and when the warm-up stops: give it to whatever is asked.
   */
  load(keys: readonly string[], signal: AbortSignal): LoadedValues<T> | Promise<LoadedValues<T>>;
}
