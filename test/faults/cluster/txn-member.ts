import { systemClock } from '../../../src/base/clock.js';
import { Recovery } from '../../../src/commit/recovery/recovery.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { Sweeper } from '../../../src/txn/sweeper.js';
import { type Member, startMemberOn } from './member.js';

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
  const store = new FaultInjectingStore(redisStore(options));
  const member = await startMemberOn(store, name, namespace);
  const { coordinator, locks, report } = member;
  const sweeper = new Sweeper({
    ...{ locks, report, clock: systemClock },
    recovery: new Recovery(store, report),
    everyMs: SWEEP_EVERY_MS,
  });
  void sweeper.start();

  const death = new AbortController();
  const unanswered = (): Promise<never> => new Promise(() => undefined);
  const die = (): void => {
    store.always('*', unanswered);
    death.abort();
  };
  return {
    ...{ ...member, store, die, death: death.signal },
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
