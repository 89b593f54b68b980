import { onlyOptions, type OptionNames } from '../../base/option-checks.js';
import type { StoreBound } from '../../base/store-name.js';
import { methodDecorator, refuseBareUse } from '../../pipeline/decorate.js';
import { compileKey, type KeySource } from '../../pipeline/key-source.js';
import { resolveTtlMs, WRITE_OPTIONS, type WriteOptions } from '../cache.options.js';
import { compileTags, type TagOptions } from './tag-source.js';

/** Options of `@CachePut`. */
export interface CachePutOptions<R extends object = Record<string, unknown>>
  extends Omit<WriteOptions, 'tags'>, TagOptions<R>, StoreBound {}

/** What `@CachePut` writes on a method. */
export interface CachePutMetadata {
  readonly key: KeySource;
  readonly options: CachePutOptions;
}

const CACHE_PUT_OPTIONS: OptionNames<CachePutOptions> = { ...WRITE_OPTIONS, store: true };

export const CACHE_PUT = Symbol('@CachePut');

/**
 * Makes what the method gives the entry of `key`, as `cache.set` does, and removes the entry when that is undefined: in the transaction of the
 * call, of `@CacheTxn` on the same method too, else in a commit of its own, before the answer leaves.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function CachePut<R extends object = Record<string, unknown>>(
  key: Exclude<KeySource<R>, readonly string[]>,
  options: CachePutOptions<R> = {},
): MethodDecorator {
  const source = key as KeySource;
  refuseBareUse("@CachePut('order:{params.id}')", source);
  compileKey(source, { decorator: '@CachePut' });
  onlyOptions(options, CACHE_PUT_OPTIONS, '@CachePut');
  const { store: _store, tags, ...write } = options as CachePutOptions;
  resolveTtlMs(write, {});
  compileTags(tags, { decorator: '@CachePut' });
  return methodDecorator(CACHE_PUT, { key: source, options: options as CachePutOptions } satisfies CachePutMetadata);
}
