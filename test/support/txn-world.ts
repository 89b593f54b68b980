import type { ErrorOrigin } from '../../src/base/error-sink.js';
import { TransactionalCache } from '../../src/cache/transactional-cache.js';
import { NearCache } from '../../src/near/near-cache.js';
import { resolveNearOptions } from '../../src/near/near-cache.options.js';
import { NearWatch } from '../../src/near/near-watch.js';
import { CacheVersionedEntries } from '../../src/cache/versioned-entries.js';
import { LockService } from '../../src/lock/lock.service.js';
import type { LockModuleOptions } from '../../src/lock/lock.options.js';
import { MemoryBackend } from '../../src/memory/memory-backend.js';
import { memoryStore } from '../../src/memory/memory-store.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import type { CacheModuleOptions } from '../../src/cache/cache.options.js';
import type { CommitRequest } from '../../src/store/entry-operations.js';
import type { CacheTxnStore } from '../../src/store/store.js';
import { TransactionCoordinator } from '../../src/txn/transaction-coordinator.js';
import type { TransactionModuleOptions } from '../../src/txn/txn.options.js';
import type { VersionModuleOptions } from '../../src/version/version.options.js';
import { VersionService } from '../../src/version/version.service.js';
import { observe } from '../unit/lock/lock-world.js';
import { ScriptedStore } from './stores/scripted-store.js';

/** The module's options that concern the services. */
export interface TxnProcessOptions {
  readonly lock?: LockModuleOptions;
  readonly txn?: TransactionModuleOptions;
  readonly version?: VersionModuleOptions;
  readonly cache?: CacheModuleOptions;
  /** Chance; default always 0.5. */
  readonly random?: () => number;
  /** The name of its module. */
  readonly storeName?: string;
  /** Where its data are; default the server in memory that the processes share. */
  readonly inner?: CacheTxnStore;
}

/** One application process of a test: the four services on a store that the test can disturb. */
export interface TxnProcess {
  readonly store: ScriptedStore;
  readonly locks: LockService;
  readonly coordinator: TransactionCoordinator;
  readonly cache: TransactionalCache;
  readonly versions: VersionService;
  /** Where `cache.near` says so. */
  readonly near: NearCache | undefined;
  /** Errors that belong to no call. */
  readonly reported: { readonly error: unknown; readonly origin: ErrorOrigin }[];
  /** The commits that were sent, in order. */
  commits(): readonly CommitRequest[];
  /** Lets the process's own clock run ahead of its timers, as a blocked event loop does. */
  block(ms: number): void;
}

/** Processes that share one server, all on one clock that moves only when the test says so. */
export class TxnWorld {
  readonly clock = new ManualClock();
  readonly backend = new MemoryBackend({ timeUs: this.clock.timeUs });

  async process(options: TxnProcessOptions = {}): Promise<TxnProcess> {
    const {
      lock = {},
      txn = {},
      version = {},
      cache: cacheOptions = {},
      random = () => 0.5,
      storeName = 'default',
      inner = memoryStore({ backend: this.backend }),
    } = options;
    const store = new ScriptedStore([inner]);
    const reported: TxnProcess['reported'] = [];
    const report = (error: unknown, origin: ErrorOrigin): void => void reported.push({ error, origin });
    await store.start({ namespace: 'unit', processLabel: 'unit', report, warn: () => undefined });

    let blockedMs = 0;
    const own = {
      now: () => this.clock.now() + blockedMs,
      after: (delayMs: number, fn: () => void) => this.clock.after(delayMs, fn),
    };
    const { near: nearOptions = false } = cacheOptions;
    const near =
      nearOptions === false
        ? undefined
        : new NearCache(own, resolveNearOptions(nearOptions === true ? {} : nearOptions));
    if (near) await new NearWatch({ store, near, clock: own, report }).start();
    const common = { store, clock: own, random, report };
    const locks = new LockService({ ...common, storeName, options: lock });
    const coordinator = new TransactionCoordinator({
      ...common,
      locks,
      options: txn,
      version,
      copies: near,
      resourceTtlMs: 600_000,
    });
    const cache = new TransactionalCache({ ...common, coordinator, options: cacheOptions, version, near });
    const versions = new VersionService(new CacheVersionedEntries(coordinator, cacheOptions));
    const commits = (): readonly CommitRequest[] => store.requests<CommitRequest>('commit');
    const block = (ms: number): void => void (blockedMs += ms);
    return { store, locks, coordinator, cache, versions, near, reported, commits, block };
  }

  /** Moves time on and lets everything that is on its way arrive. */
  elapse(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets time pass, an hour at most, until the promise has settled. */
  async finish<T>(running: Promise<T>): Promise<T> {
    const seen = observe(running);
    await this.settle();
    for (let steps = 0; seen.state === 'pending' && steps < 3_600; steps++) await this.elapse(1_000);
    return running;
  }

  /** Lets everything that is on its way arrive, at the same moment. */
  settle(): Promise<void> {
    return this.elapse(0);
  }
}

/** A moment of a test that others wait for. */
export interface Milestone {
  readonly reached: Promise<void>;
  readonly reach: () => void;
}

export function milestone(): Milestone {
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return { reached, reach: () => reach() };
}
