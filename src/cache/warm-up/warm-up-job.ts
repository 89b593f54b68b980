import { followSignals, sharedAbortController } from '../../base/abort.js';
import { fullJitterMs } from '../../base/backoff.js';
import { sleep } from '../../base/clock.js';
import type { ErrorSink } from '../../base/error-sink.js';
import { isStoreAway, LockLostError, ShuttingDownError, TransactionInDoubtError } from '../../base/errors.js';
import type { LockService } from '../../lock/lock.service.js';
import type { TransactionalCache } from '../transactional-cache.js';
import { readRecord, warmUpKey, type WarmUpRecord, writeRecord } from './warm-up-record.js';
import { WarmerFailedError, WarmUpRun, type WarmUpRunDependencies } from './warm-up-run.js';
import type { WarmUpState, WarmUpStatus } from './warm-up-status.js';
import type { FoundWarmer } from './warmer-explorer.js';

/** Whoever warms for longer lets another one go on, which does not load what is cached: a warmer that hangs holds up nobody for ever. */
const MAX_HOLD_MS = 3_600_000;
/** Between two looks whether the other node is done: twice as long each time. */
const LOOK_EVERY = { initialMs: 100, maxMs: 1_000 };
/** Before the store is asked again; also before a lock that was lost. */
const STORE_BACKOFF = { initialMs: 500, maxMs: 10_000 };
/** Before a required warm-up that failed is tried again. */
const FAILURE_BACKOFF = { initialMs: 2_000, maxMs: 60_000 };

/** What a job is made of. */
export interface WarmUpJobDependencies extends WarmUpRunDependencies {
  readonly cache: TransactionalCache;
  readonly locks: LockService;
  readonly report: ErrorSink;
  /** Called when it has gone well for the first time. */
  readonly onWarm: () => void;
}

/** The warm-up of one name on this node: warms, or waits for the node that does. */
export class WarmUpJob {
  private readonly closing = sharedAbortController();
  private state: WarmUpState = 'waiting';
  private by: WarmUpStatus['by'];
  private run: WarmUpRun | undefined;
  private elsewhere: WarmUpRecord | undefined;
  private problem: string | undefined;
  private isStoreTold = false;
  private passing: Passing | undefined;
  private repeating: Promise<void> = Promise.resolve();
  private hasSucceeded = false;

  constructor(
    private readonly deps: WarmUpJobDependencies,
    readonly name: string,
    private readonly found: FoundWarmer,
  ) {}

  /** Whether it was warm once; a required one holds up the readiness until then. */
  get isReady(): boolean {
    return this.hasSucceeded || !this.found.options.isRequired;
  }

  get status(): WarmUpStatus {
    const { by, elsewhere, found, name, problem, run, state } = this;
    const progress = run?.progress;
    const isTheirs = by === 'another node';
    return {
      name,
      state,
      isRequired: found.options.isRequired,
      ...(by && { by }),
      warmed: isTheirs ? (elsewhere?.warmed ?? 0) : (progress?.warmed ?? 0),
      loaded: progress?.loaded ?? 0,
      ...(!isTheirs && progress?.total !== undefined && { total: progress.total }),
      ...(progress && { tookMs: progress.tookMs }),
      ...(problem !== undefined && { error: problem }),
    };
  }

  start(): void {
    this.repeating = this.repeat();
  }

  /** Resolves when nothing of it runs; its lock is free then. A load that does not heed its signal is not waited for. */
  async stop(): Promise<void> {
    this.closing.abort(new ShuttingDownError('the application is closing: the warm-up stops'));
    await Promise.all([this.repeating, this.passing?.end]);
  }

  /**
   * Warms, or joins what is under way on this node; never rejects.
   *
   * @param isForced also when that has been done before; what is under way then looks for nothing that was
   */
  async warm(isForced: boolean): Promise<void> {
    while (isForced && this.passing !== undefined && !this.passing.news.force()) await this.passing.end;
    if (this.passing === undefined) {
      const news = new News(isForced);
      this.passing = { news, end: this.pass(news).finally(() => (this.passing = undefined)) };
    }
    return this.passing.end;
  }

  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  private async repeat(): Promise<void> {
    const { everyMs } = this.found.options;
    for (let failures = 1; ; failures += 1) {
      await this.warm(false);
      const pauseMs = this.isReady ? everyMs : fullJitterMs(failures, FAILURE_BACKOFF, this.deps.random);
      if (pauseMs === undefined || !(await this.hasPaused(pauseMs))) return;
    }
  }

  /** Until it has been warmed, or the warmer has failed, or the application closes. */
  private async pass(news: News): Promise<void> {
    let looks = 0;
    let troubles = 0;
    while (!this.isClosing()) {
      try {
        if (await this.step(news)) return;
        looks += 1;
        await this.hasPaused(Math.min(LOOK_EVERY.initialMs * 2 ** Math.min(looks - 1, 10), LOOK_EVERY.maxMs));
      } catch (error) {
        if (this.isClosing()) return;
        if (!isTrouble(error)) {
          this.fail(error instanceof WarmerFailedError ? error.cause : error);
          return;
        }
        this.holdUp(error);
        troubles += 1;
        await this.hasPaused(fullJitterMs(troubles, STORE_BACKOFF, this.deps.random));
      }
    }
  }

  /** Whether it is done: found so, or done here. */
  private async step(news: News): Promise<boolean> {
    const { cache, locks } = this.deps;
    const { name } = this;
    if (this.foundDone(news.of(await readRecord(cache, name)))) return true;
    const { signal } = this.closing;
    // For the module's `lock.lease`: so long after the death of the node that warms another one goes on.
    const lock = await locks.tryAcquire(warmUpKey(name), { maxHold: MAX_HOLD_MS, minHold: 0, renew: true, signal });
    if (lock === null) {
      this.becomes('elsewhere', 'another node');
      return false;
    }
    const stop = followSignals([signal, lock.signal]);
    try {
      // Its last holder may have been done between the two questions.
      if (this.foundDone(news.of(await readRecord(cache, name)))) return true;
      this.run = new WarmUpRun(this.deps, name, this.found);
      this.becomes('running', 'this node');
      await this.run.go(stop.signal);
      news.end();
      await writeRecord(cache, name, this.run.progress?.warmed ?? 0, this.found.options.freshMs);
      this.succeed('this node');
      return true;
    } finally {
      stop.stop();
      await lock.release();
    }
  }

  private foundDone(record: WarmUpRecord | undefined): boolean {
    if (record === undefined) return false;
    this.elsewhere = record;
    this.deps.inform(`warm-up ${this.name}: another node has done it, ${record.warmed} keys`);
    this.succeed('another node');
    return true;
  }

  private succeed(by: WarmUpStatus['by']): void {
    this.becomes('done', by);
    this.isStoreTold = false;
    this.problem = undefined;
    if (this.hasSucceeded) return;
    this.hasSucceeded = true;
    this.deps.onWarm();
  }

  /** The store is away, or has lost the lock: the present try is over, and nothing is wrong with the warmer. */
  private holdUp(error: Error): void {
    this.becomes('waiting', undefined);
    this.problem = error.message;
    if (!this.isStoreTold) this.tell(error);
    this.isStoreTold = true;
  }

  private fail(error: unknown): void {
    this.becomes('failed', 'this node');
    this.problem = error instanceof Error ? error.message : String(error);
    this.tell(error);
  }

  private tell(error: unknown): void {
    const { warmed, loaded, total } = this.status;
    const details = { warmed, loaded, ...(total !== undefined && { total }) };
    this.deps.report(error, { during: `warm-up ${this.name}`, details });
  }

  private becomes(state: WarmUpState, by: WarmUpStatus['by']): void {
    this.state = state;
    this.by = by;
  }

  /** Whether so much time has passed, and the application still runs. */
  private async hasPaused(pauseMs: number): Promise<boolean> {
    try {
      await sleep(this.deps.clock, pauseMs, this.closing.signal, true);
      return true;
    } catch {
      return false; // It closes.
    }
  }
}

/** The store is away, or was: nothing is wrong with the warmer. */
function isTrouble(error: unknown): error is Error {
  return isStoreAway(error) || error instanceof LockLostError || error instanceof TransactionInDoubtError;
}

/** Under way: until it has been warmed, or the warmer has failed. */
interface Passing {
  readonly news: News;
  readonly end: Promise<void>;
}

/** Tells which record says that there is nothing left to do: any, or for a forced warm-up one that is newer than its beginning. */
class News {
  private knownVersion: number | undefined;
  private isOver = false;

  constructor(private isForced: boolean) {}

  /** From now on only what is newer than the next look says so. False when nothing is left to do already. */
  force(): boolean {
    this.isForced ||= !this.isOver;
    return !this.isOver;
  }

  /** Every key has been asked for: what happens to one after that needs another warm-up. */
  end(): void {
    this.isOver = true;
  }

  of(record: WarmUpRecord | undefined): WarmUpRecord | undefined {
    if (this.isForced) this.knownVersion ??= record?.version ?? 0;
    if (record === undefined || record.version === this.knownVersion) return undefined;
    this.isOver = true;
    return record;
  }
}
