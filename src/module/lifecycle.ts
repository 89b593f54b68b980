import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LockService } from '../lock/lock.service.js';
import { CacheTxnStore } from '../store/store.js';
import { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { type CacheTxnModuleOptions, MODULE_OPTIONS, shutdownGraceMs } from './cache-txn.options.js';

/**
 * Closes in the order that leaves nothing behind: refuse new work, let running calls finish, abort what does not,
 * release, and disconnect only when the application has stopped answering.
 */
@Injectable()
export class Lifecycle implements BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly graceMs: number;

  constructor(
    @Inject(MODULE_OPTIONS) options: CacheTxnModuleOptions,
    @Inject(CacheTxnStore) private readonly store: CacheTxnStore,
    @Inject(LockService) private readonly locks: LockService,
    @Inject(TransactionCoordinator) private readonly coordinator: TransactionCoordinator,
  ) {
    this.graceMs = shutdownGraceMs(options);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.locks.drain(this.graceMs), this.coordinator.drain(this.graceMs)]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.stop();
  }
}
