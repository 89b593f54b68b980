import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import type { CacheWarmUp } from '../cache/warm-up/cache-warm-up.js';
import type { FoundWarmer } from '../cache/warm-up/warmer-explorer.js';
import type { LockService } from '../lock/lock.service.js';
import type { RemoteParticipant } from '../remote/remote-participant.js';
import type { RemoteParticipants } from '../remote/remote-participants.js';
import type { NearWatch } from '../near/near-watch.js';
import type { CacheTxnStore } from '../store/store.js';
import type { Sweeper } from '../txn/sweeper.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { type CacheTxnModuleOptions, DEFAULT_NAMESPACE, shutdownGraceMs } from './cache-txn.options.js';
import type { Environment } from './environment.js';

/** What starts and stops with the application. */
export interface LifecycleParts extends Pick<Environment, 'report' | 'warn'> {
  readonly store: CacheTxnStore;
  readonly locks: LockService;
  readonly coordinator: TransactionCoordinator;
  readonly remote: RemoteParticipants;
  /** The decorated providers of the application, once all exist. */
  readonly participants: () => ReadonlyMap<string, RemoteParticipant>;
  readonly warmUp: CacheWarmUp;
  /** What warms the cache, once all providers exist. */
  readonly warmers: () => ReadonlyMap<string, FoundWarmer>;
  /** Undefined where nobody wants it. */
  readonly nearWatch: NearWatch | undefined;
  /** Undefined where nobody wants it. */
  readonly sweeper: Sweeper | undefined;
}

/**
 * Closes in the order that leaves nothing behind: refuse new work, let running calls finish, abort what does not,
 * release, and disconnect only when the application has stopped answering.
 */
export class Lifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly graceMs: number;

  constructor(
    private readonly options: CacheTxnModuleOptions,
    private readonly parts: LifecycleParts,
  ) {
    this.graceMs = shutdownGraceMs(options);
  }

  /** @throws what the database throws when it cannot be used */
  async onModuleInit(): Promise<void> {
    const { coordinator, report, warn } = this.parts;
    const { namespace = DEFAULT_NAMESPACE, txn } = this.options;
    await txn?.database?.start?.({ namespace, transactions: coordinator, report, warn });
  }

  /** @throws InvalidOptionsError `INVALID_OPTIONS` for a participant that cannot take part, and a warmer that cannot warm */
  async onApplicationBootstrap(): Promise<void> {
    const { coordinator, nearWatch, participants, remote, store, sweeper, warmers, warmUp } = this.parts;
    // Before anything has begun: what is refused leaves nothing behind that runs.
    const found = warmers();
    // In one slot, without a database and without anybody who votes, no transaction can be left half done.
    if (store.hasSlots || this.options.txn?.database) await sweeper?.start();
    else {
      const voting = new Promise<void>((resolve) => {
        remote.onFirstUse(resolve);
      });
      void Promise.race([voting, coordinator.hasVoters]).then(() => sweeper?.start());
    }
    remote.start(participants());
    await nearWatch?.start();
    // Last, because it may go on for long, and nobody waits for it.
    warmUp.start(found);
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { coordinator, locks, remote, sweeper, warmUp } = this.parts;
    // First, because they hold locks of their own.
    await Promise.all([sweeper?.stop(), warmUp.stop()]);
    await Promise.all([locks.drain(this.graceMs), coordinator.drain(this.graceMs)]);
    // Transactions of this node may have needed its own participants.
    await remote.stop(this.graceMs);
  }

  async onApplicationShutdown(): Promise<void> {
    this.parts.nearWatch?.stop();
    await this.options.txn?.database?.stop?.();
    await this.parts.store.stop();
  }
}
