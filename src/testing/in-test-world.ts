import type { InjectionToken } from '@nestjs/common';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import type { TestWorld } from './test-world.js';
import { testingProviders } from './testing-providers.js';

/** What of Nest's `TestingModuleBuilder` is needed. */
export interface ProviderOverrides {
  overrideProvider(token: InjectionToken): {
    useFactory(options: {
      readonly factory: (...dependencies: never[]) => unknown;
      readonly inject?: never[];
    }): unknown;
  };
}

/**
 * Puts an application that imports `CacheTxnModule` by itself into a test world: its modules keep their options, but the
 * store is one of the world, whatever they say, and so are clock and chance.
 *
 * ```ts
 * const app = await inTestWorld(world, Test.createTestingModule({ imports: [AppModule] })).compile();
 * ```
 *
 * @param names of further modules, those with a `name`; the module without one is always put there
 * @returns the builder itself
 */
export function inTestWorld<T extends ProviderOverrides>(world: TestWorld, builder: T, ...names: readonly string[]): T {
  for (const name of [DEFAULT_STORE_NAME, ...names]) {
    for (const { provide, useFactory, inject = [] } of testingProviders(world, name, () => undefined)) {
      builder.overrideProvider(provide).useFactory({ factory: useFactory, inject: inject as never[] });
    }
  }
  return builder;
}
