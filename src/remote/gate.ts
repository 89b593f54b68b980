import { type Clock, reasonOf } from '../base/clock.js';
import { StoreUnavailableError } from '../base/errors.js';

/** Where readers wait until they may pass. */
export class Gate {
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private readonly what: string,
    /** Looked at again by every reader that comes, and by those that wait after each {@link changed}. */
    private readonly isOpen: () => boolean,
  ) {}

  changed(): void {
    if (!this.isOpen()) return;
    for (const wake of [...this.waiting]) wake();
  }

  /**
   * Resolves when it is open: then there is no other turn between the look and the reader.
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` when it is not open after `waitMs`; the reason of the signal
   */
  async pass(waitMs: number, signal?: AbortSignal): Promise<void> {
    const untilMs = this.clock.now() + waitMs;
    while (!this.isOpen()) {
      if (signal?.aborted) throw reasonOf(signal);
      const leftMs = untilMs - this.clock.now();
      if (leftMs <= 0) {
        throw new StoreUnavailableError(`${this.what} was not current within ${waitMs} ms`, {
          details: { waitMs },
        });
      }
      await this.nextChange(leftMs, signal);
    }
  }

  private nextChange(leftMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = this.clock.after(leftMs, wake);
      this.waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}
