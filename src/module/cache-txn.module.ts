import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { InvalidOptionsError } from '../base/errors.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { PipelineModule } from '../pipeline/pipeline.module.js';
import { optionsProviders } from './async-options.js';
import {
  type CacheTxnModuleAsyncOptions,
  type CacheTxnModuleOptions,
  type CacheTxnModuleShape,
  MODULE_OPTIONS,
} from './cache-txn.options.js';
import { environmentProvider } from './environment.js';
import { errorFilterProvider } from './error-filter/cache-txn-error.filter.js';
import { getCacheTxnToken, SERVICES } from './service-token.js';
import { serviceProviders } from './services.providers.js';

/**
 * Brings locks, transactions and versions into an application; import it once, in the root module, or once for each store
 * with a `name` of its own.
 */
@Module({})
export class CacheTxnModule {
  /**
   * @throws InvalidOptionsError `INVALID_OPTIONS` at boot, for options that cannot work
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` at boot, when the store is away
   */
  static forRoot(options: CacheTxnModuleOptions & CacheTxnModuleShape = {}): DynamicModule {
    const { name, isGlobal, errorFilter, ...rest } = options;
    return dynamicModule({ name, isGlobal, errorFilter }, [], [{ provide: MODULE_OPTIONS, useValue: rest }]);
  }

  /** Like {@link forRoot}, with options from other providers such as a configuration service. */
  static forRootAsync(options: CacheTxnModuleAsyncOptions): DynamicModule {
    return dynamicModule(options, options.imports ?? [], optionsProviders(options));
  }
}

type Shape = { readonly [K in keyof CacheTxnModuleShape]: CacheTxnModuleShape[K] | undefined };

function dynamicModule(
  { name = DEFAULT_STORE_NAME, isGlobal = true, errorFilter = true }: Shape,
  imports: NonNullable<DynamicModule['imports']>,
  options: readonly Provider[],
): DynamicModule {
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new InvalidOptionsError(`name: ${JSON.stringify(name)}; a module's name is 1 to 64 of A-Z a-z 0-9 _ . -`, {
      details: { option: 'name' },
    });
  }
  const providers = [...options, environmentProvider(name), ...serviceProviders(name)];
  return {
    module: CacheTxnModule,
    global: isGlobal,
    imports: [PipelineModule, DiscoveryModule, ...imports],
    providers: errorFilter ? [...providers, errorFilterProvider] : providers,
    exports: SERVICES.map((service) => getCacheTxnToken<unknown>(service, name)),
  };
}
