import { InvalidOptionsError } from '../../base/errors.js';
import { functionIfGiven, onlyOptions, type OptionNames } from '../../base/option-checks.js';
import type { StoreBound } from '../../base/store-name.js';
import { methodDecorator, refuseBareUse } from '../../pipeline/decorate.js';
import { compileKeys, type KeySource } from '../../pipeline/key-source.js';
import type { VersionOf } from '../floors.js';
import { keyAndOptions } from './key-and-options.js';
import { compileTags, type TagOptions } from './tag-source.js';

/** Options of `@CacheEvict`. */
export interface CacheEvictOptions<R extends object = Record<string, unknown>> extends TagOptions<R>, StoreBound {
  /**
   * Gives, of what the method gave, the version that the keys have now where their values come from, such as that of the row that it has written: for
   * `cache.floorTtl` no load keeps anything that is older there, see `sourceVersion` of `@Cached`. Needs keys; default none.
   */
  readonly floor?: VersionOf<unknown>;
}

/** What `@CacheEvict` writes on a method. */
export interface CacheEvictMetadata {
  /** Undefined for tags alone. */
  readonly keys: KeySource | undefined;
  readonly options: CacheEvictOptions;
}

const CACHE_EVICT_OPTIONS: OptionNames<CacheEvictOptions> = { store: true, tags: true, floor: true };

export const CACHE_EVICT = Symbol('@CacheEvict');

/**
 * Removes the entries of `keys`, and makes every entry with one of the `tags` a miss, when the method has succeeded, as `cache.evict` does: in the
 * transaction of the call, of `@CacheTxn` on the same method too, else together in one commit, before the answer leaves. No load that began before
 * brings an old value back.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined; also for neither keys nor tags
 */
export function CacheEvict<R extends object = Record<string, unknown>>(
  keys: KeySource<R>,
  options?: CacheEvictOptions<R>,
): MethodDecorator;
export function CacheEvict<R extends object = Record<string, unknown>>(options: CacheEvictOptions<R>): MethodDecorator;
export function CacheEvict(first: KeySource | CacheEvictOptions = {}, second?: CacheEvictOptions): MethodDecorator {
  refuseBareUse("@CacheEvict('order:{params.id}')", first);
  const { key: keys, options } = keyAndOptions<CacheEvictOptions>('@CacheEvict', first, second);
  if (keys !== undefined) compileKeys(keys, { decorator: '@CacheEvict' });
  onlyOptions(options, CACHE_EVICT_OPTIONS, '@CacheEvict');
  compileTags(options.tags, { decorator: '@CacheEvict' });
  if (functionIfGiven(options.floor, '@CacheEvict: floor') !== undefined && keys === undefined) {
    throw new InvalidOptionsError('@CacheEvict: a floor is left in the place of keys, and it names none', {
      details: { decorator: '@CacheEvict', option: 'floor' },
    });
  }
  if (keys === undefined && options.tags === undefined) {
    throw new InvalidOptionsError('@CacheEvict: it names neither keys nor tags, so it would remove nothing', {
      details: { decorator: '@CacheEvict' },
    });
  }
  return methodDecorator(CACHE_EVICT, { keys, options } satisfies CacheEvictMetadata);
}
