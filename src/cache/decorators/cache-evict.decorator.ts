import { onlyOptions, type OptionNames } from '../../base/option-checks.js';
import type { StoreBound } from '../../base/store-name.js';
import { methodDecorator, refuseBareUse } from '../../pipeline/decorate.js';
import { compileKeys, type KeySource } from '../../pipeline/key-source.js';

/** Options of `@CacheEvict`. */
export type CacheEvictOptions = StoreBound;

/** What `@CacheEvict` writes on a method. */
export interface CacheEvictMetadata {
  readonly keys: KeySource;
  readonly options: CacheEvictOptions;
}

const CACHE_EVICT_OPTIONS: OptionNames<CacheEvictOptions> = { store: true };

export const CACHE_EVICT = Symbol('@CacheEvict');

/**
 * Removes the entries of `keys` when the method has succeeded, as `cache.delete` does: in the transaction of the call, of `@CacheTxn` on the
 * same method too, else together in one commit, before the answer leaves. No load that began before brings an old value back.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function CacheEvict<R extends object = Record<string, unknown>>(
  keys: KeySource<R>,
  options: CacheEvictOptions = {},
): MethodDecorator {
  const source = keys as KeySource;
  refuseBareUse("@CacheEvict('order:{params.id}')", source);
  compileKeys(source, { decorator: '@CacheEvict' });
  onlyOptions(options, CACHE_EVICT_OPTIONS, '@CacheEvict');
  return methodDecorator(CACHE_EVICT, { keys: source, options } satisfies CacheEvictMetadata);
}
