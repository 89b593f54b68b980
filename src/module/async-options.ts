import type { Provider } from '@nestjs/common';
import { InvalidOptionsError } from '../base/errors.js';
import { type CacheTxnModuleAsyncOptions, type CacheTxnOptionsFactory, MODULE_OPTIONS } from './cache-txn.options.js';

/**
 * The provider of the options of `forRootAsync`, and what it needs.
 * @throws InvalidOptionsError `INVALID_OPTIONS` unless exactly one source of options is given
 */
export function optionsProviders(given: CacheTxnModuleAsyncOptions): readonly Provider[] {
  const sources = ['useFactory', 'useClass', 'useExisting'].filter((source) => source in given);
  if (sources.length !== 1) {
    throw new InvalidOptionsError(
      `forRootAsync: give one of useFactory, useClass and useExisting, not ${sources.join(' and ') || 'none'}`,
    );
  }
  if ('useFactory' in given) {
    const { useFactory, inject = [] } = given;
    return [{ provide: MODULE_OPTIONS, useFactory, inject }];
  }
  const token = 'useClass' in given ? OPTIONS_FACTORY : given.useExisting;
  const options: Provider = {
    provide: MODULE_OPTIONS,
    inject: [token],
    useFactory: (factory: Partial<CacheTxnOptionsFactory>) => {
      if (typeof factory.createCacheTxnOptions === 'function') return factory.createCacheTxnOptions();
      throw new InvalidOptionsError('forRootAsync: useClass and useExisting need a class with createCacheTxnOptions()');
    },
  };
  return 'useClass' in given ? [{ provide: OPTIONS_FACTORY, useClass: given.useClass }, options] : [options];
}

const OPTIONS_FACTORY = Symbol('nestjs-cache-txn options factory');
