import type { World } from '../world/world.js';

/** Calls that took longer than they may, or did not end at all, in processes that live. A paused process has more time. */
export function unsettledCalls({ journal }: World): string[] {
  return journal.calls.flatMap(({ what, process, latestMs, pausesBeforeMs, settledAtMs, pausesMs = 0 }) => {
    if (settledAtMs === undefined) {
      return process.hasCrashed ? [] : [`unsettled: ${what} never ended`];
    }
    const boundMs = latestMs + pausesMs - pausesBeforeMs;
    if (settledAtMs <= boundMs) return [];
    return [`unsettled: ${what} ended at ${settledAtMs.toFixed(0)}, not by ${boundMs.toFixed(0)}`];
  });
}
