import 'reflect-metadata';
import { InvalidOptionsError } from '../../base/errors.js';
import { onlyOptions } from '../../base/option-checks.js';
import { storeNameOf } from '../../base/store-name.js';
import type { CacheWarmer } from './cache-warmer.js';
import { resolveWarmUpOptions } from './resolve-warm-up.js';
import { type OneWarmUpOptions, WARMS_CACHE_OPTIONS, type WarmsCacheOptions } from './warm-up.options.js';

/** What a decorated class warms, and how. */
export interface WarmerMetadata {
  readonly name: string;
  readonly storeName: string;
  readonly options: OneWarmUpOptions;
}

const WARMER = Symbol('@WarmsCache');
const NAME = /^[\w.-]{1,64}$/;

/**
 * Lets a provider fill the cache when the application has started: one node of all those that have the name does it, see {@link CacheWarmUp}.
 *
 * @param name 1 to 64 of `A-Z a-z 0-9 _ . -`; default the name of the class, which a minifier changes
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function WarmsCache(
  name?: string,
  options: WarmsCacheOptions = {},
): (target: abstract new (...args: never[]) => CacheWarmer) => void {
  return (target) => {
    const where = whereOf(target);
    onlyOptions(options, WARMS_CACHE_OPTIONS, where);
    const { store, ...warmUp } = options;
    resolveWarmUpOptions(warmUp, {}, where);
    const metadata: WarmerMetadata = {
      name: checkedName(name ?? target.name, where),
      storeName: storeNameOf(store === undefined ? {} : { store }),
      options: warmUp,
    };
    Reflect.defineMetadata(WARMER, metadata, target);
  };
}

/** How messages name the decorator of a class. */
export function whereOf(target: { readonly name: string }): string {
  return `@WarmsCache of ${target.name}`;
}

/** What the decorator says about a class; undefined without one. */
export function warmerMetadata(target: object): WarmerMetadata | undefined {
  return Reflect.getMetadata(WARMER, target) as WarmerMetadata | undefined;
}

function checkedName(name: unknown, where: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new InvalidOptionsError(
    `${where}: the name of a warm-up is 1 to 64 of A-Z a-z 0-9 _ . -, not ${JSON.stringify(name)}`,
    { details: { name } },
  );
}
