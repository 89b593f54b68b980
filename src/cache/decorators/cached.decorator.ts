import { InvalidOptionsError } from '../../base/errors.js';
import { onlyOptions, type OptionNames } from '../../base/option-checks.js';
import type { StoreBound } from '../../base/store-name.js';
import { methodDecorator, refuseBareUse } from '../../pipeline/decorate.js';
import { compileKey, type KeySource } from '../../pipeline/key-source.js';
import { checkLoadOptions, LOAD_OPTIONS, type LoadOptions, loadOptionsOf } from '../cache.options.js';
import { keyAndOptions } from './key-and-options.js';
import { checkPrincipal, type PrincipalOptions } from './principal.js';
import { compileTags, type TagOptions } from './tag-source.js';
import { compileVary } from './vary.js';

/** Options of `@Cached`. */
export interface CachedOptions<R extends object = Record<string, unknown>>
  extends Omit<LoadOptions, 'tags'>, TagOptions<R>, PrincipalOptions, StoreBound {
  /** The answer is the same for all, whoever asks. Default false: what somebody authenticated gets is for that principal alone, unless the key names the user. */
  readonly public?: boolean;
  /**
   * What else the answer depends on: placeholders of key templates without their braces, such as `headers.accept-language`. Their values become a part of
   * the key, one that is missing as an empty one. Headers among them are named in `Vary`.
   */
  readonly vary?: readonly string[];
}

/** What `@Cached` writes on a method. */
export interface CachedMetadata {
  /** Undefined for that of the URL. */
  readonly key: KeySource | undefined;
  readonly options: CachedOptions;
}

const CACHED_OPTIONS: OptionNames<CachedOptions> = {
  ...LOAD_OPTIONS,
  store: true,
  public: true,
  vary: true,
  principal: true,
};

export const CACHED = Symbol('@Cached');

/**
 * Answers with the entry of `key`, and runs the method only to load what is missing, as `cache.getOrLoad` does: once for all that ask at the
 * same time, among all processes. What the method gives is cached as the module's codec keeps it, undefined is not; inside a transaction it is that transaction's own view.
 *
 * It is outside of everything else around the method: a hit takes no lock and begins no transaction. A route has to be a GET or HEAD; it answers the
 * entry's version as ETag, `If-None-Match` with 304, and `X-Cache`: `HIT`, `STALE` for a value whose time is over, `MISS` when the method ran for it, or for a call of
 * this process whose load it shared, `BYPASS` when nobody asked the store. `HIT` and `STALE` have an `Age` where versions are timestamps.
 *
 * The method's signal aborts when `timeout` is over. An interceptor outside of it gets what the codec keeps of the answer, and no class.
 *
 * The key has to name everything that the answer depends on. Of a route it may be left out: then it is the method with its URL, whose query may come in any
 * order. For a request with `request.user` or `Authorization` the principal is added, unless the key names the user (`{user.id}`), is a function of the
 * call, or the options say `public`. A principal without a name is answered by the method, with `X-Cache: BYPASS`.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function Cached<R extends object = Record<string, unknown>>(
  key: Exclude<KeySource<R>, readonly string[]>,
  options?: CachedOptions<R>,
): MethodDecorator;
export function Cached<R extends object = Record<string, unknown>>(options?: CachedOptions<R>): MethodDecorator;
export function Cached(first: KeySource | CachedOptions = {}, second?: CachedOptions): MethodDecorator {
  refuseBareUse("@Cached('order:{params.id}')", first);
  const { key, options } = keyAndOptions<CachedOptions>('@Cached', first, second);
  if (key !== undefined) compileKey(key, { decorator: '@Cached' });
  onlyOptions(options, CACHED_OPTIONS, '@Cached');
  const { tags, ...load } = options;
  checkLoadOptions(loadOptionsOf(load));
  compileTags(tags, { decorator: '@Cached' });
  compileVary(options.vary);
  checkPrincipal(options, '@Cached: principal');
  if (!['boolean', 'undefined'].includes(typeof options.public))
    throw new InvalidOptionsError('@Cached: public is true or false', { details: { option: 'public' } });
  return methodDecorator(CACHED, { key, options } satisfies CachedMetadata);
}
