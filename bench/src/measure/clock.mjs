import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds on the machine's monotonic clock, the same for all its processes (unlike `performance.now()`, which
 * starts with each process).
 */
export function machineMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Asks until it is so.
 *
 * @param {() => Promise<boolean>} condition
 * @param {string} what named in the error
 * @param {{ everyMs?: number, withinMs?: number }} [limits]
 */
export async function until(condition, what, { everyMs = 0, withinMs = 10_000 } = {}) {
  const endsAtMs = machineMs() + withinMs;
  while (!(await condition())) {
    if (machineMs() > endsAtMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(everyMs);
  }
}
