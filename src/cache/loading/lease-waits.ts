import { type Clock, reasonOf } from '../../base/clock.js';
import type { CacheTxnStore, Unsubscribe } from '../../store/store.js';

/** The wait for the end of one lease of another process. */
export class LeaseWait {
  private isTold = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    /** Nobody waits any longer. */
    readonly leave: () => void,
  ) {}

  /** The store says that the lease has ended. */
  tell(): void {
    this.isTold = true;
    this.wake?.();
  }

  /** Until the store says so, or has since the last pause, and for `ms` at most; rejects with the signal's reason as soon as it aborts. */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.isTold) await this.told(ms, signal);
    this.isTold = false;
  }

  private told(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.wake = undefined;
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        end();
        if (signal) reject(reasonOf(signal));
      };
      this.wake = () => {
        end();
        resolve();
      };
      const timer = this.clock.after(ms, this.wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** The leases of other processes that calls of this one wait for, each once. Listens to the store as long as there is one. */
export class LeaseWaits {
  private readonly waits = new Map<string, LeaseWait>();
  private unsubscribe: Unsubscribe | undefined;

  constructor(
    private readonly store: Pick<CacheTxnStore, 'onLeaseEnd'>,
    private readonly clock: Clock,
  ) {}

  /** From now on the end of the lease is heard, if the store is asked to tell it. Whoever enters has to leave. */
  enter(token: string): LeaseWait {
    this.unsubscribe ??= this.store.onLeaseEnd((ended) => this.waits.get(ended.token)?.tell());
    const wait = new LeaseWait(this.clock, () => {
      this.leave(token);
    });
    this.waits.set(token, wait);
    return wait;
  }

  private leave(token: string): void {
    this.waits.delete(token);
    if (this.waits.size > 0) return;
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }
}
