import type { Clock } from '../base/clock.js';
import type { DatabaseArbiter } from '../commit/deciders/database-arbiter.js';
import { MarkerReplay } from '../commit/recovery/marker-replay.js';
import { Recovery } from '../commit/recovery/recovery.js';
import type { TransactionDatabase } from '../commit/deciders/transaction-database.js';
import type { LockService } from '../lock/lock.service.js';
import type { CacheTxnStore } from '../store/store.js';
import { Sweeper } from '../txn/sweeper.js';
import { recoveryPeriodMs } from '../txn/txn.options.js';
import type { CacheTxnModuleOptions } from './cache-txn.options.js';
import type { Environment } from './environment.js';

/** Between two looks at what a database may forget. */
const FORGET_EVERY_MS = 60_000;

/** Clears up after transactions; undefined where nobody wants it. Whoever starts it knows whether any can be left half done. */
export function sweeperOf(
  { txn = {} }: CacheTxnModuleOptions,
  { clock, report }: Environment,
  store: CacheTxnStore,
  locks: LockService,
  arbiter: DatabaseArbiter,
): Sweeper | undefined {
  const { database } = txn;
  const everyMs = recoveryPeriodMs(txn);
  if (everyMs === undefined) return undefined;
  const recovery = new Recovery(store, report, arbiter);
  return new Sweeper({
    recovery,
    further: database ? looksAt(database, store, clock) : [],
    locks,
    clock,
    report,
    everyMs,
  });
}

function looksAt(database: TransactionDatabase, store: CacheTxnStore, clock: Clock): (() => Promise<unknown>)[] {
  const looks: (() => Promise<unknown>)[] = [];
  if (database.recentlyCommitted) {
    const replay = new MarkerReplay(store, { recentlyCommitted: database.recentlyCommitted.bind(database) });
    looks.push(() => replay.replayIfChanged());
  }
  if (database.forgetOld) {
    const forget = database.forgetOld.bind(database);
    let nextAtMs = clock.now() + FORGET_EVERY_MS;
    looks.push(async () => {
      if (clock.now() < nextAtMs) return;
      nextAtMs = clock.now() + FORGET_EVERY_MS;
      await forget();
    });
  }
  return looks;
}
