import { performance } from 'node:perf_hooks';

/** A pending timer. */
export interface Timer {
  cancel(): void;
  /** Lets the process end before it fires. A clock whose timers keep no process alive has none. */
  unref?(): void;
}

/**
 * Where durations come from: every wait and every local deadline goes through one of these, so that tests can own time.
 *
 * It is monotonic and says nothing about the date: leases and deadlines are decided by the server's TIME.
 */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `fn` once after `delayMs`. The callback must not throw. */
  after(delayMs: number, fn: () => void): Timer;
}

/** setTimeout fires at once when its delay passes 2^31 - 1 ms; longer waits are cut into pieces of this length. */
const MAX_TIMER_MS = 2_147_483_647;

/** The monotonic clock of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, fn) {
    let handle: NodeJS.Timeout;
    let isUnref = false;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(Math.max(leftMs, 0), MAX_TIMER_MS);
      handle = setTimeout(() => {
        if (leftMs > stepMs) arm(leftMs - stepMs);
        else fn();
      }, stepMs);
      if (isUnref) handle.unref();
    };
    arm(delayMs);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
      unref: () => {
        isUnref = true;
        handle.unref();
      },
    };
  },
};

/**
 * Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts.
 *
 * @param isIdle lets the process end meanwhile: nobody's work waits for this
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal, isIdle = false): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(reasonOf(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      if (signal) reject(reasonOf(signal));
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    if (isIdle) timer.unref?.();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The reason of an aborted signal, always an Error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
