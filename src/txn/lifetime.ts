import { LazyAbort } from '../base/abort.js';
import type { Clock } from '../base/clock.js';
import { present } from '../base/assert.js';
import { TransactionAbortedError, TransactionTimeoutError } from '../base/errors.js';
import type { LockHandle } from '../lock/lock-handle.js';
import { watchLocks } from './lock-guards.js';

/** What can end a transaction before its commit. */
export interface LifetimeOptions {
  readonly timeoutMs: number;
  readonly locks: Iterable<LockHandle>;
  readonly signal: AbortSignal | undefined;
}

/** The time a transaction has: one signal for time-out, lost locks, a caller that left and a closing application. */
export class Lifetime {
  /** Fires at the first of them. */
  readonly ending = new LazyAbort();
  private readonly stops: (() => void)[] = [];
  /** What to do at the deadline about work that is underway: the hooks before a commit may run within the work itself. */
  private readonly racing = new Set<() => void>();
  private isClosed = false;
  readonly deadlineMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly options: LifetimeOptions,
  ) {
    const { timeoutMs, locks, signal } = options;
    this.deadlineMs = clock.now() + timeoutMs;
    const timer = clock.after(timeoutMs, () => {
      this.timeOut();
      for (const outlived of this.racing) outlived();
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

  /** Without effect once it is closed: then the commit decides what becomes of the transaction. */
  abort(reason: Error): void {
    if (!this.isClosed) this.ending.abort(reason);
  }

  /**
   * The result of `start`, or the signal's reason at the deadline, after a call of `onOutlived`. What aborts the signal
   * earlier leaves the work the rest of its time to notice: whoever waits for this gives locks back when it settles.
   */
  race<T>(start: () => T | Promise<T>, onOutlived: (work: Promise<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const work = Promise.resolve(start());
      const outlived = (): void => {
        onOutlived(work);
        reject(present(this.ending.reason, 'the reason of a time-out'));
      };
      this.racing.add(outlived);
      work.then(
        (result) => {
          this.racing.delete(outlived);
          resolve(result);
        },
        (error: unknown) => {
          this.racing.delete(outlived);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the work failed with
          reject(error);
        },
      );
    });
  }

  /**
   * Compares the clock itself, because a timer runs late when the event loop was blocked.
   * @throws the signal's reason
   */
  assertAlive(): void {
    if (this.clock.now() >= this.deadlineMs) this.timeOut();
    if (this.ending.reason) throw this.ending.reason;
  }

  /** Stops all timers and listeners; the signal keeps the state it has. */
  close(): void {
    this.isClosed = true;
    for (const stop of this.stops.splice(0)) stop();
  }

  private timeOut(): void {
    const { timeoutMs } = this.options;
    this.abort(
      new TransactionTimeoutError(
        `the transaction did not reach its commit within ${timeoutMs} ms; it was rolled back`,
        { details: { timeoutMs } },
      ),
    );
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
