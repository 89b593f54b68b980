import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { LockService } from '../lock/lock.service.js';
import type { CacheTxnStore } from '../store/store.js';
import type { Sweeper } from '../txn/sweeper.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { type CacheTxnModuleOptions, shutdownGraceMs } from './cache-txn.options.js';

/**
 * Closes in the order that leaves nothing behind: refuse new work, let running calls finish, abort what does not,
 * release, and disconnect only when the application has stopped answering.
 */
export class Lifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly graceMs: number;

  constructor(
    options: CacheTxnModuleOptions,
    private readonly store: CacheTxnStore,
    private readonly locks: LockService,
    private readonly coordinator: TransactionCoordinator,
    /** Undefined where no transaction can be left half done. */
    private readonly sweeper: Sweeper | undefined,
  ) {
    this.graceMs = shutdownGraceMs(options);
  }

  onApplicationBootstrap(): void {
    this.sweeper?.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    // First, because it holds a lock of its own.
    await this.sweeper?.stop();
    await Promise.all([this.locks.drain(this.graceMs), this.coordinator.drain(this.graceMs)]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.stop();
  }
}
