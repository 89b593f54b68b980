import type { Clock } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { Random } from '../base/random.js';
import type { CacheTxnStore } from '../store/store.js';
import type { LockModuleOptions } from './lock.options.js';

/** What the lock service is made of; clock and chance come from outside so that tests can own them. */
export interface LockDependencies {
  readonly store: CacheTxnStore;
  /** The name of the store's module; without one it is the default module. */
  readonly storeName?: string;
  readonly options: LockModuleOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}
