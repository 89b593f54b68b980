import type { FactoryProvider, InjectionToken, ModuleMetadata, Type } from '@nestjs/common';
import { type Duration, toMs } from '../base/duration.js';
import type { CacheModuleOptions } from '../cache/cache.options.js';
import type { LockModuleOptions } from '../lock/lock.options.js';
import type { RemoteModuleOptions } from '../remote/remote.options.js';
import type { CacheTxnStore } from '../store/store.js';
import type { TransactionModuleOptions } from '../txn/txn.options.js';
import type { VersionModuleOptions } from '../version/version.options.js';

/** Options of `CacheTxnModule.forRoot`. Every one has a default. */
export interface CacheTxnModuleOptions {
  /** Where locks and entries live: `redisStore({ … })`, or `memoryStore()` (default), which one process has to itself. */
  readonly store?: CacheTxnStore;
  /** Prefix of every key and channel; 1 to 64 of `A-Z a-z 0-9 _ . -`. Default `'ctx'`. */
  readonly namespace?: string;
  /** Defaults of every lock. */
  readonly lock?: LockModuleOptions;
  /** Defaults of every transaction. */
  readonly txn?: TransactionModuleOptions;
  /** Defaults of every retry, and how versions are made. */
  readonly version?: VersionModuleOptions;
  /** Defaults of every cache write. */
  readonly cache?: CacheModuleOptions;
  /** Participants of transactions on other nodes. */
  readonly remote?: RemoteModuleOptions;
  /** How long a closing application waits for running calls, before it aborts them and waits as long again. Default `'5s'`; up to 1 hour. */
  readonly shutdownGrace?: Duration;
}

/** What the shape of the module depends on; given beside the options, also to `forRootAsync`. */
export interface CacheTxnModuleShape {
  /**
   * Tells this module from others in the same application, each with a store of its own: 1 to 64 of `A-Z a-z 0-9 _ . -`.
   * Decorators mean it with `{ store: name }`, constructors with `@InjectLockService(name)` and the like. Default: the
   * module that is meant without a name.
   */
  readonly name?: string;
  /** Makes the services injectable everywhere. Default true. */
  readonly isGlobal?: boolean;
  /** Answers the library's errors in the form of each transport (docs/errors.md). Default true; false leaves them to filters of yours. */
  readonly errorFilter?: boolean;
}

/** Makes the options of a module; for `forRootAsync({ useClass })` and `({ useExisting })`. */
export interface CacheTxnOptionsFactory {
  createCacheTxnOptions(): CacheTxnModuleOptions | Promise<CacheTxnModuleOptions>;
}

interface FromFactory {
  /** Gets what `inject` names, in that order. */
  useFactory(this: void, ...dependencies: unknown[]): CacheTxnModuleOptions | Promise<CacheTxnModuleOptions>;
  readonly inject?: FactoryProvider['inject'];
}

interface FromClass {
  /** Is made by the module itself, with what its constructor asks for. */
  readonly useClass: Type<CacheTxnOptionsFactory>;
}

interface FromExisting {
  /** A provider of one of the `imports`, or a global one. */
  readonly useExisting: InjectionToken<CacheTxnOptionsFactory>;
}

/** Where {@link CacheTxnModuleOptions} come from when they need other providers: one of the three. */
export type CacheTxnModuleAsyncOptions = CacheTxnModuleShape &
  Pick<ModuleMetadata, 'imports'> &
  (FromFactory | FromClass | FromExisting);

/** Injection token of the options as given. */
export const MODULE_OPTIONS = Symbol('nestjs-cache-txn options');

export const DEFAULT_NAMESPACE = 'ctx';

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function shutdownGraceMs(options: CacheTxnModuleOptions): number {
  return toMs(options.shutdownGrace ?? '5s', 'shutdownGrace', { max: 3_600_000 });
}
