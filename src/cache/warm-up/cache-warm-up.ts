import { AsyncResource } from 'node:async_hooks';
import type { ErrorSink } from '../../base/error-sink.js';
import { InvalidOptionsError, ShuttingDownError } from '../../base/errors.js';
import { Settlement } from '../../base/settlement.js';
import { shownAs } from '../../base/shown-as.js';
import type { LockService } from '../../lock/lock.service.js';
import type { TransactionalCache } from '../transactional-cache.js';
import { resolveWarmUpOptions } from './resolve-warm-up.js';
import { WarmUpJob } from './warm-up-job.js';
import type { WarmUpModuleOptions } from './warm-up.options.js';
import type { WarmUpRunDependencies } from './warm-up-run.js';
import type { WarmUpStatus } from './warm-up-status.js';
import type { FoundWarmer } from './warmer-explorer.js';

/** What the service is made of. */
export interface CacheWarmUpDependencies extends WarmUpRunDependencies {
  readonly cache: TransactionalCache;
  readonly locks: LockService;
  readonly report: ErrorSink;
  readonly options: WarmUpModuleOptions;
}

/**
 * Fills the cache when the application has started, with what providers with `@WarmsCache()` give. One node of all warms a name, the others wait until it
 * is done, and go on where it was when it dies. What is cached stays as it is; what is written while it is loaded stays as well.
 */
export class CacheWarmUp {
  /** Where the module was made: what is warmed from inside a call must not become a part of its transaction, or of its locks. */
  private readonly outside = new AsyncResource('CacheWarmUp');
  private readonly jobs = new Map<string, WarmUpJob>();
  private readonly warm = new Settlement();
  private isStarted = false;
  private isStopped = false;

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  constructor(private readonly deps: CacheWarmUpDependencies) {
    resolveWarmUpOptions({}, deps.options, 'cache.warmUp');
  }

  /** Whether the application has started, and every warm-up that is `required` has been done once, here or on another node. */
  get isReady(): boolean {
    return this.isStarted && [...this.jobs.values()].every((job) => job.isReady);
  }

  /** Resolves when {@link isReady}; rejects with ShuttingDownError `SHUTTING_DOWN` when the application closes before. */
  get ready(): Promise<void> {
    return this.warm.promise;
  }

  /** How far each warm-up is, as this node knows. */
  status(): readonly WarmUpStatus[] {
    return [...this.jobs.values()].map((job) => job.status);
  }

  /**
   * Warms one name, or all, also when that has been done before; joins what is under way, here or on another node. Resolves with how each of them has ended:
   * a warmer that fails is told by its status. While the store is away it waits.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` for a name that no provider of this application has
   * @throws ShuttingDownError `SHUTTING_DOWN`, also when the application closes meanwhile
   */
  async run(name?: string): Promise<readonly WarmUpStatus[]> {
    this.assertRunning();
    const jobs = name === undefined ? [...this.jobs.values()] : [this.jobOf(name)];
    await this.outside.runInAsyncScope(() => Promise.all(jobs.map((job) => job.warm(true))));
    this.assertRunning();
    return jobs.map((job) => job.status);
  }

  /**
   * Begins with what the application has; waits for nothing.
   * @internal
   */
  start(found: ReadonlyMap<string, FoundWarmer>): void {
    const onWarm = (): void => {
      if (this.isReady) this.warm.resolve();
    };
    for (const [name, warmer] of found) this.jobs.set(name, new WarmUpJob({ ...this.deps, onWarm }, name, warmer));
    this.isStarted = true;
    onWarm();
    this.outside.runInAsyncScope(() => {
      for (const job of this.jobs.values()) job.start();
    });
  }

  /**
   * Ends what runs, and frees its locks; a load that does not heed its signal is not waited for.
   * @internal
   */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.warm.reject(closing());
    await Promise.all([...this.jobs.values()].map((job) => job.stop()));
  }

  private jobOf(name: string): WarmUpJob {
    const job = this.jobs.get(name);
    if (job !== undefined) return job;
    throw new InvalidOptionsError(`no provider of this application has @WarmsCache('${name}')`, {
      details: { warmUp: name },
    });
  }

  private assertRunning(): void {
    if (this.isStopped) throw closing();
  }
}

function closing(): ShuttingDownError {
  return new ShuttingDownError('the application is closing: nothing is warmed any longer');
}

shownAs(CacheWarmUp, (warmUp) => ({ isReady: warmUp.isReady, status: warmUp.status() }));
