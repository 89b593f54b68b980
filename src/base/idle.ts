import { type Clock, sleep } from './clock.js';

/** How often a closing service looks whether its last call has ended. */
const STEP_MS = 20;

/** Waits until `isIdle`, at most `withinMs`; answers whether it is. */
export async function isIdleWithin(clock: Clock, isIdle: () => boolean, withinMs: number): Promise<boolean> {
  const untilMs = clock.now() + withinMs;
  while (!isIdle() && clock.now() < untilMs) await sleep(clock, STEP_MS);
  return isIdle();
}
