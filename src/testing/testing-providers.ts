import type { FactoryProvider } from '@nestjs/common';
import { valueCodecOf } from '../cache/codec/value-codec.js';
import { CacheTxnStore } from '../store/store.js';
import { type CacheTxnModuleOptions, DEFAULT_NAMESPACE, MODULE_OPTIONS } from '../module/cache-txn.options.js';
import { ENVIRONMENT, type Environment, environmentProvider } from '../module/environment.js';
import { getCacheTxnToken } from '../module/service-token.js';
import { ClosingTime } from './closing-time.js';
import { FaultInjectingStore } from './faults/fault-injecting-store.js';
import type { TestWorld } from './test-world.js';

/** Where the store of a node comes from; a store that is no {@link FaultInjectingStore} yet is wrapped in one. */
export type InnerStore = (options: CacheTxnModuleOptions) => CacheTxnStore | undefined;

/** The providers of `CacheTxnModule` that a test replaces: clock and chance, and the store. */
export function testingProviders(world: TestWorld, name: string, inner: InnerStore): readonly FactoryProvider[] {
  const environment: FactoryProvider<Environment & ClosingTime> = {
    provide: ENVIRONMENT,
    useFactory: () =>
      // Nest calls the shutdown hooks of every provider, so that this one sees the application close.
      Object.assign(new ClosingTime(world.clock), environmentProvider(name).useValue, {
        clock: world.clock,
        random: world.random,
      }),
  };
  const store: FactoryProvider<Promise<CacheTxnStore>> = {
    provide: getCacheTxnToken(CacheTxnStore, name),
    inject: [MODULE_OPTIONS, ENVIRONMENT],
    useFactory: async (options: CacheTxnModuleOptions, { report, warn }: Environment) => {
      const given = inner(options);
      const store =
        given instanceof FaultInjectingStore ? given : world.store({ name, ...(given && { inner: given }) });
      store.readWith(valueCodecOf(options.cache ?? {}));
      const { namespace = DEFAULT_NAMESPACE } = options;
      await store.start({ namespace, processLabel: world.nextLabel(), report, warn });
      return store;
    },
  };
  return [environment, store];
}
