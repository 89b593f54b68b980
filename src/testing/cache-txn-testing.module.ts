import { type DynamicModule, Module } from '@nestjs/common';
import { InvalidOptionsError } from '../base/errors.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { CacheTxnModule } from '../module/cache-txn.module.js';
import type {
  CacheTxnModuleAsyncOptions,
  CacheTxnModuleOptions,
  CacheTxnModuleShape,
} from '../module/cache-txn.options.js';
import type { ManualClock } from './manual-clock.js';
import { TestWorld } from './test-world.js';
import { testingProviders } from './testing-providers.js';

/** What a test decides beside the options of the module. */
export interface CacheTxnTestingShape {
  /** What several applications of one test share. Default: a world of its own. */
  readonly world?: TestWorld;
  /** The clock of a world of its own. Default: a new one. */
  readonly clock?: ManualClock;
  /** The seed of a world of its own. Default 1. */
  readonly seed?: number;
}

/**
 * `CacheTxnModule` for tests: a memory store with faults on demand, and time and chance in the hand of the test. It takes
 * the same options; `store` is wrapped in a `FaultInjectingStore` unless it is one.
 *
 * It exports its {@link TestWorld}; {@link storeOf} gives the store. While the application closes, time passes by itself.
 */
@Module({})
export class CacheTxnTestingModule {
  /** @throws InvalidOptionsError `INVALID_OPTIONS` at boot, for options that cannot work */
  static forRoot(options: CacheTxnModuleOptions & CacheTxnModuleShape & CacheTxnTestingShape = {}): DynamicModule {
    const { world, clock, seed, ...rest } = options;
    return inWorld({ world, clock, seed }, rest.name, CacheTxnModule.forRoot(rest));
  }

  /** Like {@link forRoot}, with options from other providers. */
  static forRootAsync(options: CacheTxnModuleAsyncOptions & CacheTxnTestingShape): DynamicModule {
    return inWorld(options, options.name, CacheTxnModule.forRootAsync(options));
  }
}

type Given = { readonly [K in keyof CacheTxnTestingShape]: CacheTxnTestingShape[K] | undefined };

function inWorld(given: Given, name = DEFAULT_STORE_NAME, base: DynamicModule): DynamicModule {
  const world = worldOf(given);
  const { providers = [], exports = [] } = base;
  const ours = testingProviders(world, name, ({ store }) => store);
  return {
    ...base,
    module: CacheTxnTestingModule,
    // Of two providers with one token the later one counts.
    providers: [...providers, ...ours, { provide: TestWorld, useValue: world }],
    exports: [...exports, TestWorld],
  };
}

function worldOf({ world, clock, seed }: Given): TestWorld {
  if (world === undefined) return new TestWorld({ ...(clock && { clock }), ...(seed !== undefined && { seed }) });
  if (clock !== undefined || seed !== undefined)
    throw new InvalidOptionsError('clock and seed are those of the world: give them to new TestWorld({ … })', {
      details: { option: clock === undefined ? 'seed' : 'clock' },
    });
  return world;
}
