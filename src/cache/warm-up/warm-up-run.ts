import { followSignals, sharedAbortController, unlessAborted } from '../../base/abort.js';
import { fullJitterMs } from '../../base/backoff.js';
import { type Clock, reasonOf, sleep } from '../../base/clock.js';
import { InvalidOptionsError, isStoreAway, KeyTemplateError, LimitExceededError } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { TransactionalCache } from '../transactional-cache.js';
import { keyBatches, type KeyList, keyListOf } from './key-batches.js';
import { OneLoadAtATime } from './one-load-at-a-time.js';
import { WarmUpProgress } from './warm-up-progress.js';
import type { FoundWarmer } from './warmer-explorer.js';

/** A load that fails three times has more than a moment's trouble. */
const ATTEMPTS = 3;
const BACKOFF = { initialMs: 200, maxMs: 2_000 };

/** What a run is made of. */
export interface WarmUpRunDependencies {
  readonly cache: Pick<TransactionalCache, 'getOrLoadMany'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly inform: (message: string) => void;
}

/** What the warmer did wrong, or what it asks did; `cause` says what. */
export class WarmerFailedError extends Error {
  constructor(override readonly cause: unknown) {
    super('the warmer failed', { cause });
  }
}

/** Goes once through the keys of a warmer, and loads what the cache has not. */
export class WarmUpRun {
  private told: WarmUpProgress | undefined;

  constructor(
    private readonly deps: WarmUpRunDependencies,
    private readonly name: string,
    private readonly found: FoundWarmer,
  ) {}

  /** Undefined until the keys are known. */
  get progress(): WarmUpProgress | undefined {
    return this.told;
  }

  /**
   * @throws WarmerFailedError; the signal's reason as soon as it aborts; StoreUnavailableError, StoreTimeoutError when the store is away
   */
  async go(signal: AbortSignal): Promise<void> {
    const { clock, inform } = this.deps;
    // Of the batches under way, when one has failed.
    const failing = sharedAbortController();
    const stop = followSignals([signal, failing.signal]);
    try {
      const { keys, total } = await unlessAborted(signal, this.list(signal));
      const progress = (this.told = new WarmUpProgress(this.name, total, clock, inform));
      await unlessAborted(signal, this.eachBatch(keys, progress, stop.signal, failing));
      progress.end();
    } finally {
      stop.stop();
    }
  }

  private async list(signal: AbortSignal): Promise<KeyList> {
    try {
      return keyListOf(await this.found.warmer.keys(signal));
    } catch (error) {
      throw new WarmerFailedError(error);
    }
  }

  private async eachBatch(
    keys: KeyList['keys'],
    progress: WarmUpProgress,
    stop: AbortSignal,
    failing: AbortController,
  ): Promise<void> {
    const { batch: size, concurrency } = this.found.options;
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const fail = (error: unknown): void => {
      failures.push(error);
      failing.abort(error);
    };
    try {
      for await (const batch of keyBatches(keys, size)) {
        if (stop.aborted) break;
        const warming: Promise<void> = this.warm(batch, progress, stop)
          .catch(fail)
          .finally(() => running.delete(warming));
        running.add(warming);
        if (running.size >= concurrency) await Promise.race(running);
      }
    } catch (error) {
      fail(new WarmerFailedError(error));
    }
    await Promise.all(running);
    // The first one: the others were stopped by it.
    if (failures.length > 0) throw failures[0];
  }

  private async warm(keys: readonly string[], progress: WarmUpProgress, stop: AbortSignal): Promise<void> {
    const { cache, clock, random } = this.deps;
    for (let attempt = 1; ; attempt += 1) {
      const loads = new OneLoadAtATime(this.found.warmer, stop);
      try {
        await unlessAborted(stop, cache.getOrLoadMany(keys, loads.load, this.found.options.load));
        progress.add(keys.length, loads.loaded);
        return;
      } catch (error) {
        if (stop.aborted) throw reasonOf(stop);
        if (isStoreAway(error) && !loads.hasThrown(error)) throw error;
        if (attempt === ATTEMPTS || isMistake(error)) throw new WarmerFailedError(error);
      }
      await sleep(clock, fullJitterMs(attempt, BACKOFF, random), stop);
    }
  }
}

/** A key or a value that cannot be cached stays so. */
function isMistake(error: unknown): boolean {
  return [InvalidOptionsError, KeyTemplateError, LimitExceededError].some((kind) => error instanceof kind);
}
