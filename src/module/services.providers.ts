import { hostname } from 'node:os';
import { type FactoryProvider, Logger } from '@nestjs/common';
import { systemClock } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import { systemRandom } from '../base/random.js';
import { resolveTtlMs } from '../cache/cache.options.js';
import { TransactionalCache } from '../cache/transactional-cache.js';
import { CacheVersionedEntries } from '../cache/versioned-entries.js';
import { LockedLayer } from '../lock/locked.layer.js';
import { LockService } from '../lock/lock.service.js';
import { memoryStore } from '../memory/memory-store.js';
import { PIPELINE_LAYERS } from '../pipeline/layer.js';
import { CacheTxnStore } from '../store/store.js';
import { CacheTxnLayer, commitsItself } from '../txn/cache-txn.layer.js';
import { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { VersionedLayer } from '../version/versioned.layer.js';
import { VersionService } from '../version/version.service.js';
import { type CacheTxnModuleOptions, DEFAULT_NAMESPACE, MODULE_OPTIONS } from './cache-txn.options.js';

/** What the module exports. */
export const SERVICES = [CacheTxnStore, LockService, TransactionCoordinator, TransactionalCache, VersionService];

const logger = new Logger('CacheTxn');

/** Errors that belong to no call end in the log: one line, no value and no token. */
const report: ErrorSink = (error, { during, details }) => {
  const message = error instanceof Error ? error.message : String(error);
  logger.warn(`${during}: ${message}${details ? ` ${JSON.stringify(details)}` : ''}`);
};

const environment = { clock: systemClock, random: systemRandom, report };

const store: FactoryProvider<Promise<CacheTxnStore>> = {
  provide: CacheTxnStore,
  inject: [MODULE_OPTIONS],
  useFactory: async ({ store = memoryStore(), namespace = DEFAULT_NAMESPACE }: CacheTxnModuleOptions) => {
    const processLabel = `${hostname()}:${process.pid}`;
    await store.start({
      namespace,
      processLabel,
      report,
      warn: (message) => {
        logger.warn(message);
      },
    });
    return store;
  },
};

const locks: FactoryProvider<LockService> = {
  provide: LockService,
  inject: [MODULE_OPTIONS, CacheTxnStore],
  useFactory: ({ lock: options = {} }: CacheTxnModuleOptions, store: CacheTxnStore) =>
    new LockService({ store, options, ...environment }),
};

const coordinator: FactoryProvider<TransactionCoordinator> = {
  provide: TransactionCoordinator,
  inject: [MODULE_OPTIONS, CacheTxnStore, LockService],
  useFactory: (
    { txn: options = {}, version = {}, cache = {} }: CacheTxnModuleOptions,
    store: CacheTxnStore,
    locks: LockService,
  ) =>
    new TransactionCoordinator({
      store,
      locks,
      options,
      version,
      resourceTtlMs: resolveTtlMs({}, cache),
      ...environment,
    }),
};

const cache: FactoryProvider<TransactionalCache> = {
  provide: TransactionalCache,
  inject: [MODULE_OPTIONS, TransactionCoordinator],
  useFactory: ({ cache: options = {}, version = {} }: CacheTxnModuleOptions, coordinator: TransactionCoordinator) =>
    new TransactionalCache({ coordinator, options, version, ...environment }),
};

const versions: FactoryProvider<VersionService> = {
  provide: VersionService,
  inject: [MODULE_OPTIONS, CacheTxnStore, TransactionCoordinator],
  useFactory: ({ cache = {} }: CacheTxnModuleOptions, store: CacheTxnStore, coordinator: TransactionCoordinator) =>
    new VersionService(new CacheVersionedEntries(store, coordinator, cache)),
};

const layers: FactoryProvider = {
  provide: PIPELINE_LAYERS,
  inject: [MODULE_OPTIONS, CacheTxnStore, LockService, TransactionCoordinator],
  useFactory: (
    { version = {} }: CacheTxnModuleOptions,
    store: CacheTxnStore,
    locks: LockService,
    coordinator: TransactionCoordinator,
  ) => [
    new LockedLayer(locks),
    new VersionedLayer(store, version, environment, commitsItself),
    new CacheTxnLayer(coordinator),
  ],
};

/** The store, started, and everything that is built on it. */
export const serviceProviders = [store, locks, coordinator, cache, versions, layers];
