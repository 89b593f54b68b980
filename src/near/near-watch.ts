import { type Clock, sleep } from '../base/clock.js';
import { isUnanswered } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { CacheTxnStore, Unsubscribe } from '../store/store.js';
import type { NearCache } from './near-cache.js';

/** Between two tries to hear of changes while the store is away. */
const NEXT_TRY_MS = 1_000;

/** What a watch is made of. */
export interface NearWatchDependencies {
  readonly store: CacheTxnStore;
  readonly near: NearCache;
  readonly clock: Clock;
  readonly report: ErrorSink;
}

/** Keeps a near cache told of changes from the start of the application to its end. Until it is, nothing is copied. */
export class NearWatch {
  private readonly stopping = new AbortController();
  private unsubscribe: Unsubscribe | undefined;
  private isFailureTold = false;

  constructor(private readonly deps: NearWatchDependencies) {}

  /** Resolves when the first try has ended; others follow until one succeeds. */
  async start(): Promise<void> {
    if (await this.subscribe()) return;
    void this.tryAgain();
  }

  stop(): void {
    this.stopping.abort();
    this.unsubscribe?.();
    this.deps.near.close();
  }

  private async tryAgain(): Promise<void> {
    const { clock } = this.deps;
    const { signal } = this.stopping;
    do await sleep(clock, NEXT_TRY_MS, signal).catch(() => undefined);
    while (!signal.aborted && !(await this.subscribe()));
  }

  private async subscribe(): Promise<boolean> {
    const { near, report, store } = this.deps;
    try {
      const unsubscribe = await store.watchEntries(near);
      if (this.stopping.signal.aborted) unsubscribe();
      else {
        this.unsubscribe = unsubscribe;
        near.open();
      }
      return true;
    } catch (error) {
      // What the store refuses to this alone nobody else would hear of.
      if (!this.isFailureTold && !isUnanswered(error)) {
        report(error, { during: 'near cache' });
        this.isFailureTold = true;
      }
      return this.stopping.signal.aborted;
    }
  }
}
