import { sharedAbortController } from '../base/abort.js';
import { type Clock, reasonOf } from '../base/clock.js';
import { TransactionAbortedError, TransactionTimeoutError } from '../base/errors.js';
import type { LockHandle } from '../lock/lock-handle.js';
import { watchLocks } from './lock-guards.js';

/** What can end a transaction before its commit. */
export interface LifetimeOptions {
  readonly timeoutMs: number;
  readonly locks: readonly LockHandle[];
  readonly signal: AbortSignal | undefined;
}

/** The time a transaction has: one signal for time-out, lost locks, a caller that left and a closing application. */
export class Lifetime {
  private readonly controller = sharedAbortController();
  private readonly stops: (() => void)[] = [];
  readonly deadlineMs: number;

  constructor(clock: Clock, { timeoutMs, locks, signal }: LifetimeOptions) {
    this.deadlineMs = clock.now() + timeoutMs;
    const timer = clock.after(timeoutMs, () => {
      const details = { timeoutMs };
      this.abort(
        new TransactionTimeoutError(
          `the transaction did not reach its commit within ${timeoutMs} ms; it was rolled back`,
          { details },
        ),
      );
    });
    this.stops.push(() => {
      timer.cancel();
    });
    this.stops.push(
      watchLocks(locks, (reason) => {
        this.abort(reason);
      }),
    );
    if (signal) this.follow(signal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.controller.abort(reason);
  }

  /** The result of `work`, or the signal's reason as soon as it aborts; `work` itself is left to notice the signal. */
  race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        reject(reasonOf(signal));
      };
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.stops.push(() => {
        signal.removeEventListener('abort', onAbort);
      });
      work.then(resolve, reject);
    });
  }

  /** Stops all timers and listeners. */
  close(): void {
    for (const stop of this.stops) stop();
  }

  private follow(signal: AbortSignal): void {
    const onAbort = (): void => {
      const cause: unknown = signal.reason;
      this.abort(
        new TransactionAbortedError('the caller went away before the commit; the transaction was rolled back', {
          cause,
        }),
      );
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.stops.push(() => {
      signal.removeEventListener('abort', onAbort);
    });
  }
}
