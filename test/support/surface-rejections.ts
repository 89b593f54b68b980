import { afterEach } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';

/**
 * Gives every promise that a test left rejected one turn of the event loop to be reported while that test can still
 * fail. Without it, a rejection in the last test of a file ends the whole Jest process instead of failing one test.
 * `node:timers` is real even when a test has replaced the global timers.
 */
afterEach(async () => {
  await setImmediate();
});
