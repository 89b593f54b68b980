import { type Abstract, Inject, type InjectionToken, type Type } from '@nestjs/common';
import { TransactionAdmin } from '../admin/transaction-admin.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { TransactionalCache } from '../cache/transactional-cache.js';
import { CacheWarmUp } from '../cache/warm-up/cache-warm-up.js';
import { LockService } from '../lock/lock.service.js';
import { RemoteParticipants } from '../remote/remote-participants.js';
import { CacheTxnStore } from '../store/store.js';
import { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { VersionService } from '../version/version.service.js';

/** What a module exports, under the tokens of its name. */
export const SERVICES = [
  CacheTxnStore,
  LockService,
  TransactionCoordinator,
  TransactionalCache,
  CacheWarmUp,
  VersionService,
  TransactionAdmin,
  RemoteParticipants,
];

/**
 * The injection token of a service of the module named `name`, for `inject: [...]` and `app.get(…)`: the class itself
 * for the module without a name.
 */
export function getCacheTxnToken<T>(service: Type<T> | Abstract<T>, name = DEFAULT_STORE_NAME): InjectionToken<T> {
  return name === DEFAULT_STORE_NAME ? service : `${service.name}:${name}`;
}

type InjectService = (name?: string) => ReturnType<typeof Inject>;

function injecting(service: Abstract<unknown>): InjectService {
  return (name) => Inject(getCacheTxnToken(service, name));
}

/** Injects the LockService of the module named `name`; default the module without a name. */
export const InjectLockService = injecting(LockService);

/** Injects the TransactionCoordinator of the module named `name`; default the module without a name. */
export const InjectTransactionCoordinator = injecting(TransactionCoordinator);

/** Injects the TransactionalCache of the module named `name`; default the module without a name. */
export const InjectTransactionalCache = injecting(TransactionalCache);

/** Injects the CacheWarmUp of the module named `name`; default the module without a name. */
export const InjectCacheWarmUp = injecting(CacheWarmUp);

/** Injects the VersionService of the module named `name`; default the module without a name. */
export const InjectVersionService = injecting(VersionService);

/** Injects the TransactionAdmin of the module named `name`; default the module without a name. */
export const InjectTransactionAdmin = injecting(TransactionAdmin);

/** Injects the RemoteParticipants of the module named `name`; default the module without a name. */
export const InjectRemoteParticipants = injecting(RemoteParticipants);
