import { systemClock } from '../../../src/base/clock.js';
import type { ErrorOrigin, ErrorSink } from '../../../src/base/error-sink.js';
import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { TransactionCoordinator } from '../../../src/txn/transaction-coordinator.js';

/** What an application process has of the library, with connections of its own. */
export interface Member {
  readonly name: string;
  readonly namespace: string;
  readonly store: CacheTxnStore;
  readonly locks: LockService;
  readonly coordinator: TransactionCoordinator;
  readonly cache: TransactionalCache;
  /** Errors that belong to no call. */
  readonly reports: readonly { readonly error: unknown; readonly origin: ErrorOrigin }[];
  readonly report: ErrorSink;
  stop(): Promise<void>;
}

export function startMember(name: string, namespace: string, options: RedisStoreOptions): Promise<Member> {
  return startMemberOn(redisStore(options), name, namespace);
}

/** A member on a store that has not started. */
export async function startMemberOn(store: CacheTxnStore, name: string, namespace: string): Promise<Member> {
  const reports: { error: unknown; origin: ErrorOrigin }[] = [];
  const report = (error: unknown, origin: ErrorOrigin): void => void reports.push({ error, origin });
  await store.start({ namespace, processLabel: name, report, warn: () => undefined });
  const common = { store, clock: systemClock, random: Math.random, report };
  const locks = new LockService({ ...common, options: {} });
  const coordinator = new TransactionCoordinator({
    ...common,
    locks,
    options: {},
    version: {},
    resourceTtlMs: 600_000,
  });
  const cache = new TransactionalCache({ ...common, coordinator, options: {}, version: {} });
  const stop = (): Promise<void> => store.stop();
  return { name, namespace, store, locks, coordinator, cache, reports, report, stop };
}
