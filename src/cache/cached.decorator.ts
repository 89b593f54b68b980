import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { StoreBound } from '../base/store-name.js';
import { methodDecorator, refuseBareUse } from '../pipeline/decorate.js';
import { compileKey, type KeySource } from '../pipeline/key-source.js';
import { LOAD_OPTIONS, type LoadOptions, resolveLoadOptions } from './cache.options.js';

/** Options of `@Cached`. */
export interface CachedOptions extends LoadOptions, StoreBound {}

/** What `@Cached` writes on a method. */
export interface CachedMetadata {
  readonly key: KeySource;
  readonly options: CachedOptions;
}

const CACHED_OPTIONS: OptionNames<CachedOptions> = { ...LOAD_OPTIONS, store: true };

export const CACHED = Symbol('@Cached');

/**
 * Answers with the entry of `key`, and runs the method only to load what is missing, as `cache.getOrLoad` does: once for all that ask at the
 * same time, in every process. What the method gives is cached as JSON, undefined is not; inside a transaction it is that transaction's own view.
 *
 * It is outside of everything else around the method: a hit takes no lock and begins no transaction. A route has to be a GET or HEAD; it answers the
 * entry's version as ETag, `If-None-Match` with 304, and `X-Cache: HIT` when the method did not run for it, else `MISS`.
 *
 * The method's signal aborts when `timeout` is over. An interceptor outside of it gets what JSON keeps of the answer, and no class.
 *
 * The key has to name everything that the answer depends on, such as the query and, where it shows what only some may see, the user: whoever
 * asks for the same key gets the same answer.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function Cached<R extends object = Record<string, unknown>>(
  key: Exclude<KeySource<R>, readonly string[]>,
  options: CachedOptions = {},
): MethodDecorator {
  const source = key as KeySource;
  refuseBareUse("@Cached('order:{params.id}')", source);
  compileKey(source, { decorator: '@Cached' });
  onlyOptions(options, CACHED_OPTIONS, '@Cached');
  const { store: _store, ...load } = options;
  resolveLoadOptions(load, {});
  return methodDecorator(CACHED, { key: source, options } satisfies CachedMetadata);
}
