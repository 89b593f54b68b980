import type { DiscoveryService } from '@nestjs/core';
import { InvalidOptionsError } from '../../base/errors.js';
import type { CacheWarmer } from './cache-warmer.js';
import { type ResolvedWarmUpOptions, resolveWarmUpOptions } from './resolve-warm-up.js';
import type { WarmUpModuleOptions } from './warm-up.options.js';
import { warmerMetadata, whereOf } from './warms-cache.decorator.js';

/** A decorated provider, and how it wants to be run. */
export interface FoundWarmer {
  readonly warmer: CacheWarmer;
  readonly options: ResolvedWarmUpOptions;
}

/**
 * The decorated providers of the application that belong to the module named `storeName`, by the name of their warm-up.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function warmersOf(
  discovery: DiscoveryService,
  storeName: string,
  module: WarmUpModuleOptions,
): ReadonlyMap<string, FoundWarmer> {
  const found = new Map<string, FoundWarmer>();
  for (const wrapper of discovery.getProviders()) {
    const { metatype } = wrapper;
    const instance: unknown = wrapper.instance;
    const target = typeof metatype === 'function' ? metatype : undefined;
    const metadata = target && warmerMetadata(target);
    if (target === undefined || metadata?.storeName !== storeName) continue;
    const { name, options } = metadata;
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
      throw refusal(
        target,
        name,
        'is request-scoped or transient, itself or through what is injected into it; make it a singleton',
      );
    }
    if (!isWarmer(instance)) throw refusal(target, name, 'has to have the methods keys and load');
    const other = found.get(name)?.warmer;
    if (other !== undefined && other !== instance) {
      throw refusal(target, name, `has the name '${name}' of ${other.constructor.name}; a name is of one warm-up`);
    }
    found.set(name, { warmer: instance, options: resolveWarmUpOptions(options, module, whereOf(target)) });
  }
  return found;
}

function isWarmer(instance: unknown): instance is CacheWarmer {
  const methods = ['keys', 'load'];
  return methods.every((method) => typeof (instance as Record<string, unknown> | null)?.[method] === 'function');
}

function refusal(target: { readonly name: string }, name: string, problem: string): InvalidOptionsError {
  return new InvalidOptionsError(`@WarmsCache: ${target.name} ${problem}`, {
    details: { warmUp: name, class: target.name },
  });
}
