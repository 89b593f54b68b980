import type { Clock } from './clock.js';

/**
 * What `work` gives, or the error of `tooLate` after `limitMs`; the work goes on then, and how it ends is nobody's concern.
 *
 * Nothing here is aborted: an AbortController, its error with its stack and a race of promises took longer than what they guarded
 * [measured: a quarter of the CPU of a commit that a database decides].
 */
export function inTime<T>(clock: Clock, limitMs: number, work: Promise<T>, tooLate: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => {
      reject(tooLate());
    });
    work.then(
      (answer) => {
        timer.cancel();
        resolve(answer);
      },
      (error: unknown) => {
        timer.cancel();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the work failed with
        reject(error);
      },
    );
  });
}
