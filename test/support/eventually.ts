import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** What is waited for, in the words of the error. */
  readonly what?: string;
  /** How long the condition may take. Default 5,000 ms, far above anything a healthy local server needs. */
  readonly withinMs?: number;
  /** The pause between two tries. Default 10 ms. */
  readonly everyMs?: number;
}

/**
 * Waits until `condition` neither throws nor gives `false`, and resolves with what it gave.
 *
 * It replaces sleeping in tests with real servers: as fast as the machine allows, and bounded. The pause comes from
 * `node:timers`, which stays real when a test replaces the global timers.
 *
 * @throws Error that says what was waited for, how long and how often, with the last failure as `cause`
 */
export async function eventually<T>(condition: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { what = 'the condition', withinMs = 5_000, everyMs = 10 } = options;
  const expiry = new AbortController();
  const tooLate = sleep(withinMs, undefined, { signal: expiry.signal });
  tooLate.catch(() => undefined); // Aborted below, when the condition was met in time.

  let tries = 0;
  let last: unknown = 'it has not answered yet';
  let isOver = false;
  const poll = async (): Promise<{ readonly value: T } | undefined> => {
    while (!isOver) {
      tries += 1;
      try {
        const value = await condition();
        if (value !== false) return { value };
        last = 'it is still false';
      } catch (error) {
        last = error;
      }
      await sleep(everyMs);
    }
    return undefined;
  };

  try {
    const met = await Promise.race([poll(), tooLate]);
    if (met) return met.value;
  } finally {
    isOver = true;
    expiry.abort();
  }
  const reason = last instanceof Error ? last.message : String(last);
  throw new Error(`${what}: not within ${withinMs} ms (${tries} tries); at last: ${reason}`, { cause: last });
}
