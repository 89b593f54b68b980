import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { PipelineExplorer } from '../pipeline/pipeline.explorer.js';
import { Pipeline } from '../pipeline/pipeline.js';
import {
  type CacheTxnModuleAsyncOptions,
  type CacheTxnModuleOptions,
  type CacheTxnModuleShape,
  MODULE_OPTIONS,
} from './cache-txn.options.js';
import { errorFilterProvider } from './error-filter/cache-txn-error.filter.js';
import { Lifecycle } from './lifecycle.js';
import { SERVICES, serviceProviders } from './services.providers.js';

/** Brings locks, transactions and versions into an application; import it once, in the root module. */
@Module({})
export class CacheTxnModule {
  /**
   * @throws InvalidOptionsError `INVALID_OPTIONS` at boot, for options that cannot work
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` at boot, when the store is away
   */
  static forRoot({
    isGlobal,
    errorFilter,
    ...options
  }: CacheTxnModuleOptions & CacheTxnModuleShape = {}): DynamicModule {
    return dynamicModule({ isGlobal, errorFilter }, [], { provide: MODULE_OPTIONS, useValue: options });
  }

  /** Like {@link forRoot}, with options from other providers such as a configuration service. */
  static forRootAsync({
    isGlobal,
    errorFilter,
    imports = [],
    inject = [],
    useFactory,
  }: CacheTxnModuleAsyncOptions): DynamicModule {
    return dynamicModule({ isGlobal, errorFilter }, imports, { provide: MODULE_OPTIONS, inject, useFactory });
  }
}

type Shape = { readonly [K in keyof CacheTxnModuleShape]: boolean | undefined };

function dynamicModule(
  { isGlobal = true, errorFilter = true }: Shape,
  imports: NonNullable<DynamicModule['imports']>,
  options: Provider,
): DynamicModule {
  const providers = [options, ...serviceProviders, Pipeline, PipelineExplorer, Lifecycle];
  return {
    module: CacheTxnModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    providers: errorFilter ? [...providers, errorFilterProvider] : providers,
    exports: [...SERVICES, Pipeline],
  };
}
