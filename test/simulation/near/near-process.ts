import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { NearCache } from '../../../src/near/near-cache.js';
import { resolveNearOptions } from '../../../src/near/near-cache.options.js';
import { NearWatch } from '../../../src/near/near-watch.js';
import type { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { TransactionCoordinator } from '../../../src/txn/transaction-coordinator.js';
import type { NearMutation } from './near-mutants.js';
import type { NearProfile } from './near-profile.js';
import type { NearWorld } from './near-world.js';
import { Horizon } from './horizon.js';

/** One application process: the services, the copies that it has, and how old these may be. */
export interface NearProcess {
  readonly name: string;
  readonly store: FaultInjectingStore;
  readonly coordinator: TransactionCoordinator;
  readonly cache: TransactionalCache;
  readonly horizon: Horizon;
  /** Messages to it are lost. */
  isCut: boolean;
}

export async function nearProcess(
  world: NearWorld,
  store: FaultInjectingStore,
  name: string,
  options: NearProfile['near'][number],
  { near: make, copies: wrap }: NearMutation,
): Promise<NearProcess> {
  const { clock, profile, dice, truth } = world;
  const report = (error: unknown): void => void world.problems.push(`error: ${name} reports ${String(error)}`);
  const resolved = options === false ? undefined : resolveNearOptions(options);
  const near = resolved && (make?.(clock, resolved) ?? new NearCache(clock, resolved));
  if (near) await new NearWatch({ store, near, clock, report }).start();
  const common = { store, clock, random: dice.next, report };
  const version = {};
  const coordinator = new TransactionCoordinator({
    ...common,
    locks: new LockService({ ...common, storeName: 'default', options: {} }),
    options: {},
    version,
    copies: near && (wrap?.(near) ?? near),
    resourceTtlMs: 600_000,
  });
  const cache = new TransactionalCache({ ...common, coordinator, options: { ttl: '1d' }, version, near });
  return { name, store, coordinator, cache, horizon: new Horizon(truth, profile, resolved), isCut: false };
}
