import { Subscription, take, type Observable } from 'rxjs';
import { reasonOf } from '../base/clock.js';
import { LimitExceededError } from '../base/errors.js';
import type { Emitted } from './layer.js';

/** Values one method call may emit while they are held back for the commit: a response, not a stream. */
export const MAX_HELD_VALUES = 10_000;

/** How to listen to the method. */
export interface CollectOptions {
  readonly signal: AbortSignal;
  /** Names the method in errors. */
  readonly method: string;
  /** Takes each value at once; the values are then neither kept nor limited. */
  readonly forward?: ((value: unknown) => void) | undefined;
  /** The source is known to be a stream: it ends with the signal. */
  readonly isStream: boolean;
}

/**
 * Runs the method by subscribing to `source` and waits until it has completed.
 *
 * After an abort it still waits for a method that has emitted nothing: that is a promise, which nothing can stop, and a
 * lock around it must not be released while it works. A source that emits without completing is a stream and is
 * unsubscribed. A promise gives its value and completes in one go, which tells the two apart.
 *
 * @throws LimitExceededError `LIMIT_EXCEEDED` over {@link MAX_HELD_VALUES} values
 */
export function collectValues(source: Observable<unknown>, options: CollectOptions): Promise<Emitted> {
  const { signal, method, forward, isStream } = options;
  return new Promise((resolve, reject) => {
    const values: unknown[] = [];
    let hasEmitted = false;
    // Added to before there is anything to end: a source that settles while it is being subscribed is ended all the same.
    const subscription = new Subscription();
    const leave = (): void => {
      subscription.unsubscribe();
      // Changes nothing when the source has settled first.
      reject(reasonOf(signal));
    };
    const onAbort = (): void => {
      if (isStream || hasEmitted) leave();
    };
    if (isStream && signal.aborted) {
      leave();
      return;
    }
    signal.addEventListener('abort', onAbort);
    subscription.add(() => signal.removeEventListener('abort', onAbort));
    const bounded = forward === undefined ? source.pipe(take(MAX_HELD_VALUES + 1)) : source;
    subscription.add(
      bounded.subscribe({
        next: (value) => {
          hasEmitted = true;
          if (signal.aborted) queueMicrotask(leave);
          if (forward === undefined) {
            if (values.push(value) > MAX_HELD_VALUES) reject(tooMany(method));
          } else {
            forward(value);
          }
        },
        error: (error: unknown) => {
          subscription.unsubscribe();
          // The user's own error, whatever it is, passes through untouched.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
        complete: () => {
          subscription.unsubscribe();
          resolve(values);
        },
      }),
    );
  });
}

function tooMany(method: string): LimitExceededError {
  return new LimitExceededError(
    `${method} emitted more than ${MAX_HELD_VALUES} values, which are held back until the commit; ` +
      'return one list, or stream outside of the decorated method',
    { details: { method, limit: MAX_HELD_VALUES } },
  );
}
