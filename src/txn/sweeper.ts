import { AsyncResource } from 'node:async_hooks';
import { type Clock, sleep, type Timer } from '../base/clock.js';
import { ShuttingDownError, StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { Recovery } from '../commit/recovery/recovery.js';
import type { LockService } from '../lock/lock.service.js';

/** The lock that lets one process sweep at a time. */
const LOCK = 'nestjs-cache-txn/recovery';
/** Short, because the sweeper may be the process that dies. Two that sweep at the same time only do the same work twice. */
const LEASE_MS = 500;
/** How long a start waits for the first look. */
const FIRST_AWAITED_MS = 1_000;
/** How long the lock stays taken at the least: all processes together sweep about as often as one. */
const HELD_PART = 0.8;

/** What a sweeper is made of. */
export interface SweeperDependencies {
  readonly recovery: Pick<Recovery, 'clearUp'>;
  /** What else wants looking at as often, by one process at a time, after the transactions. */
  readonly further?: readonly (() => Promise<unknown>)[];
  readonly locks: LockService;
  readonly clock: Clock;
  readonly report: ErrorSink;
  /** Between two tries of one process. */
  readonly everyMs: number;
}

/** Clears up after processes that died in the middle of a commit, whichever process finds the time first. */
export class Sweeper {
  /** Where the module was made: a timer would otherwise run in, and keep alive, the context of some call. */
  private readonly outside = new AsyncResource('Sweeper');
  private timer: Timer | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(private readonly deps: SweeperDependencies) {}

  /**
   * Looks for the first time at once where there is more to look at than transactions: what was written before the servers are known
   * counts as what they may have lost. Resolves then, or when that takes long.
   */
  async start(): Promise<void> {
    if (!this.deps.further?.length) {
      this.schedule();
      return;
    }
    this.sweeping = this.sweep().finally(() => {
      this.schedule();
    });
    await Promise.race([this.sweeping, sleep(this.deps.clock, FIRST_AWAITED_MS)]);
  }

  /** Resolves when the last sweep has ended. */
  stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    return this.sweeping;
  }

  private schedule(): void {
    if (this.isStopped) return;
    const { clock, everyMs } = this.deps;
    this.timer = clock.after(everyMs, () => {
      this.outside.runInAsyncScope(() => {
        this.sweeping = this.sweep().finally(() => {
          this.schedule();
        });
      });
    });
  }

  private async sweep(): Promise<void> {
    const { everyMs, further = [], locks, recovery, report } = this.deps;
    try {
      const minHold = Math.min(Math.ceil(HELD_PART * everyMs), LEASE_MS);
      const lock = await locks.tryAcquire(LOCK, { lease: LEASE_MS, minHold, renew: false });
      if (lock === null) return;
      try {
        await recovery.clearUp();
        for (const look of further) await look();
      } finally {
        await lock.release();
      }
    } catch (error) {
      const isAway = [StoreUnavailableError, StoreTimeoutError, ShuttingDownError].some(
        (kind) => error instanceof kind,
      );
      if (!isAway) report(error, { during: 'recovery of transactions' });
    }
  }
}
