import { hostname } from 'node:os';
import type { FactoryProvider, Provider } from '@nestjs/common';
import { TransactionAdmin } from '../admin/transaction-admin.js';
import { DiscoveryService } from '@nestjs/core';
import { resolveTtlMs } from '../cache/cache.options.js';
import { CacheEvictLayer, CachePutLayer } from '../cache/decorators/cache-write.layer.js';
import { CachedLayer } from '../cache/decorators/cached.layer.js';
import { CurrentEntries } from '../cache/current-entries.js';
import { TransactionalCache } from '../cache/transactional-cache.js';
import { CacheWarmUp } from '../cache/warm-up/cache-warm-up.js';
import { warmersOf } from '../cache/warm-up/warmer-explorer.js';
import { CacheVersionedEntries } from '../cache/versioned-entries.js';
import { EntryReader } from '../commit/entry-reader.js';
import { Recovery } from '../commit/recovery/recovery.js';
import { LockedLayer, skipsWhenBusy } from '../lock/locked.layer.js';
import { LockService } from '../lock/lock.service.js';
import { NearCache } from '../near/near-cache.js';
import { NearWatch } from '../near/near-watch.js';
import { resolveNearOptions } from '../near/near-cache.options.js';
import { memoryStore } from '../memory/memory-store.js';
import { PIPELINE_LAYERS } from '../pipeline/layer.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { remoteParticipantsOf } from '../remote/participant-explorer.js';
import { RemoteParticipants } from '../remote/remote-participants.js';
import { CacheTxnStore } from '../store/store.js';
import { CacheTxnLayer, commitsItself } from '../txn/cache-txn.layer.js';
import { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { VersionedLayer } from '../version/versioned.layer.js';
import { VersionService } from '../version/version.service.js';
import { type CacheTxnModuleOptions, DEFAULT_NAMESPACE, MODULE_OPTIONS } from './cache-txn.options.js';
import { checkModuleOptions } from './check-options.js';
import { ENVIRONMENT, type Environment } from './environment.js';
import { Lifecycle } from './lifecycle.js';
import { getCacheTxnToken } from './service-token.js';
import { sweeperOf } from './sweeper-of.js';

type Options = CacheTxnModuleOptions;

/**
 * The store of the module named `name`, started, and everything that is built on it. Their tokens carry the name, so that
 * `app.get(LockService)` always means the module without one.
 */
export function serviceProviders(name: string): Provider[] {
  const STORE = getCacheTxnToken(CacheTxnStore, name);
  const LOCKS = getCacheTxnToken(LockService, name);
  const COORDINATOR = getCacheTxnToken(TransactionCoordinator, name);
  const CACHE = getCacheTxnToken(TransactionalCache, name);
  const WARM_UP = getCacheTxnToken(CacheWarmUp, name);
  const NEAR = getCacheTxnToken(NearCache, name);
  const REMOTE = getCacheTxnToken(RemoteParticipants, name);

  const store: FactoryProvider<Promise<CacheTxnStore>> = {
    provide: STORE,
    inject: [MODULE_OPTIONS, ENVIRONMENT],
    useFactory: async (options: Options, { report, warn }: Environment) => {
      checkModuleOptions(options);
      const { store = memoryStore(), namespace = DEFAULT_NAMESPACE } = options;
      await store.start({ namespace, processLabel: `${hostname()}:${process.pid}`, report, warn });
      return store;
    },
  };

  const locks: FactoryProvider<LockService> = {
    provide: LOCKS,
    inject: [MODULE_OPTIONS, ENVIRONMENT, STORE],
    useFactory: ({ lock: options = {} }: Options, environment: Environment, store: CacheTxnStore) =>
      new LockService({ store, storeName: name, options, ...environment }),
  };

  // Undefined where nobody wants one.
  const near: FactoryProvider<NearCache | undefined> = {
    provide: NEAR,
    inject: [MODULE_OPTIONS, ENVIRONMENT],
    useFactory: ({ cache: { near: options = false } = {} }: Options, { clock }: Environment) =>
      options === false ? undefined : new NearCache(clock, resolveNearOptions(options === true ? {} : options)),
  };

  const coordinator: FactoryProvider<TransactionCoordinator> = {
    provide: COORDINATOR,
    inject: [MODULE_OPTIONS, ENVIRONMENT, STORE, LOCKS, NEAR],
    useFactory: (
      { txn: options = {}, version = {}, cache = {} }: Options,
      environment: Environment,
      store: CacheTxnStore,
      locks: LockService,
      copies: NearCache | undefined,
    ) => {
      const resourceTtlMs = resolveTtlMs({}, cache);
      return new TransactionCoordinator({ store, locks, options, version, resourceTtlMs, copies, ...environment });
    },
  };

  const cache: FactoryProvider<TransactionalCache> = {
    provide: CACHE,
    inject: [MODULE_OPTIONS, ENVIRONMENT, COORDINATOR, NEAR],
    useFactory: (
      { cache: options = {}, version = {} }: Options,
      environment: Environment,
      coordinator: TransactionCoordinator,
      near: NearCache | undefined,
    ) => new TransactionalCache({ coordinator, options, version, near, ...environment }),
  };

  const warmUp: FactoryProvider<CacheWarmUp> = {
    provide: WARM_UP,
    inject: [MODULE_OPTIONS, ENVIRONMENT, LOCKS, CACHE],
    useFactory: (
      { cache: { warmUp: options = {} } = {} }: Options,
      environment: Environment,
      locks: LockService,
      cache: TransactionalCache,
    ) => new CacheWarmUp({ locks, cache, options, ...environment }),
  };

  const versions: FactoryProvider<VersionService> = {
    provide: getCacheTxnToken(VersionService, name),
    inject: [MODULE_OPTIONS, COORDINATOR],
    useFactory: ({ cache = {} }: Options, coordinator: TransactionCoordinator) =>
      new VersionService(new CacheVersionedEntries(coordinator, cache)),
  };

  const admin: FactoryProvider<TransactionAdmin> = {
    provide: getCacheTxnToken(TransactionAdmin, name),
    inject: [ENVIRONMENT, STORE, COORDINATOR],
    useFactory: ({ report }: Environment, store: CacheTxnStore, { arbiter }: TransactionCoordinator) =>
      new TransactionAdmin(store, new Recovery(store, report, arbiter)),
  };

  const remote: FactoryProvider<RemoteParticipants> = {
    provide: REMOTE,
    inject: [MODULE_OPTIONS, ENVIRONMENT, STORE, COORDINATOR],
    useFactory: (
      { remote: options = {} }: Options,
      environment: Environment,
      store: CacheTxnStore,
      coordinator: TransactionCoordinator,
    ) => new RemoteParticipants({ store, coordinator, database: coordinator.arbiter, options, ...environment }),
  };

  const layers: FactoryProvider = {
    provide: PIPELINE_LAYERS,
    inject: [MODULE_OPTIONS, ENVIRONMENT, STORE, LOCKS, COORDINATOR, CACHE, Pipeline],
    useFactory: (
      { version = {}, cache: cacheOptions = {} }: Options,
      environment: Environment,
      store: CacheTxnStore,
      locks: LockService,
      coordinator: TransactionCoordinator,
      cache: TransactionalCache,
      pipeline: Pipeline,
    ) => {
      const retry = { ...environment, owner: coordinator };
      const reader = new EntryReader(store);
      const entries = new CurrentEntries(coordinator);
      const layers = [
        new CachedLayer(cache, store, cacheOptions, skipsWhenBusy),
        new LockedLayer(locks),
        new VersionedLayer(reader, version, retry, commitsItself, (value) => entries.isCurrent(value)),
        new CacheTxnLayer(coordinator, store),
        new CacheEvictLayer(cache),
        new CachePutLayer(cache),
      ];
      pipeline.register(name, layers);
      return layers;
    },
  };

  const lifecycle: FactoryProvider<Lifecycle> = {
    provide: Lifecycle,
    inject: [MODULE_OPTIONS, ENVIRONMENT, STORE, LOCKS, COORDINATOR, NEAR, REMOTE, WARM_UP, DiscoveryService],
    useFactory: (
      options: Options,
      environment: Environment,
      store: CacheTxnStore,
      locks: LockService,
      coordinator: TransactionCoordinator,
      near: NearCache | undefined,
      remote: RemoteParticipants,
      warmUp: CacheWarmUp,
      discovery: DiscoveryService,
    ) => {
      const sweeper = sweeperOf(options, environment, store, locks, coordinator.arbiter);
      const participants = () => remoteParticipantsOf(discovery, name);
      const warmers = () => warmersOf(discovery, name, options.cache?.warmUp ?? {});
      const nearWatch = near && new NearWatch({ store, near, ...environment });
      const parts = { store, locks, coordinator, nearWatch, remote, participants, warmUp, warmers, sweeper };
      return new Lifecycle(options, { ...parts, ...environment });
    },
  };

  return [store, locks, near, coordinator, cache, warmUp, versions, admin, remote, layers, lifecycle];
}
