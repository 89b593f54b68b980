import { systemClock } from '../../../src/base/clock.js';
import type { ErrorOrigin } from '../../../src/base/error-sink.js';
import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { Recovery } from '../../../src/commit/recovery.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { Sweeper } from '../../../src/txn/sweeper.js';
import { TransactionCoordinator } from '../../../src/txn/transaction-coordinator.js';
import type { Member } from './member.js';

/** A member that clears up after others as an application does, and that can die in the middle of a commit. */
export interface TxnMember extends Member {
  readonly store: FaultInjectingStore;
  /** Aborts when the member is dead. */
  readonly death: AbortSignal;
  /** From here on nothing that it sends arrives, and it gets no answer: to all others it has been killed. */
  die(): void;
  /** It dies instead of sending its n-th message of this kind from now on, or when this one has arrived. */
  dieAt(step: DeathStep): void;
}

/** A moment of the protocol. */
export interface DeathStep {
  readonly operation: StoreOperation;
  readonly when: 'before' | 'after';
  /** 1 is the next one. */
  readonly nth: number;
}

/** More often than by default, so that tests wait less. */
const SWEEP_EVERY_MS = 200;

export async function startTxnMember(name: string, namespace: string, options: RedisStoreOptions): Promise<TxnMember> {
  const reports: { error: unknown; origin: ErrorOrigin }[] = [];
  const report = (error: unknown, origin: ErrorOrigin): void => void reports.push({ error, origin });
  const store = new FaultInjectingStore(redisStore(options));
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
  const sweeper = new Sweeper({ ...common, locks, recovery: new Recovery(store, report), everyMs: SWEEP_EVERY_MS });
  sweeper.start();

  const death = new AbortController();
  const unanswered = (): Promise<never> => new Promise(() => undefined);
  const die = (): void => {
    store.always('*', unanswered);
    death.abort();
  };
  return {
    ...{ name, namespace, store, locks, coordinator, cache, reports, die, death: death.signal },
    dieAt({ operation, when, nth }) {
      const pass = (run: () => Promise<unknown>): Promise<unknown> => run();
      store.next(operation, ...Array.from({ length: nth - 1 }, () => pass), async (run) => {
        if (when === 'after') await run().catch(() => undefined);
        die();
        return unanswered();
      });
    },
    async stop() {
      const swept = sweeper.stop();
      // Who is dead waits for ever.
      if (!death.signal.aborted) {
        await swept;
        await coordinator.drain(5_000);
      }
      await store.stop();
    },
  };
}
