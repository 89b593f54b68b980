import { AssertionError } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../base/clock.js';
import { type Duration, toMs } from '../base/duration.js';

/** How long a real condition is waited for. */
export interface UntilOptions {
  /** Real time. Default `'4s'`: below the five seconds that most runners give a test. */
  readonly within?: Duration;
}

const LOOK_EVERY_MS = 1;

/**
 * Waits in real time until the condition answers something other than false, null or undefined, and answers that. No
 * manual clock moves meanwhile.
 *
 * @param what named in the failure: `'the order is on its way'`
 * @throws AssertionError after `within`; whatever the condition throws, at once
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  { within = '4s' }: UntilOptions = {},
): Promise<Exclude<T, false | null | undefined>> {
  const withinMs = toMs(within, 'within');
  const endMs = systemClock.now() + withinMs;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== null && answer !== undefined)
      return answer as Exclude<T, false | null | undefined>;
    if (systemClock.now() >= endMs) {
      throw new AssertionError({ message: `within ${withinMs} ms it did not come true that ${what}` });
    }
    await setTimeout(LOOK_EVERY_MS);
  }
}
