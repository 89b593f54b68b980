import type { Random } from './random.js';

/** Bounds of the pause before a retry, in milliseconds. */
export interface BackoffMs {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * The pause before retry number `retry` (1 for the first): uniform in [0, min(max, initial * 2^(retry - 1))].
 *
 * Full jitter: the whole range is random, which spreads colliding clients best for the fewest total calls
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function fullJitterMs(retry: number, { initialMs, maxMs }: BackoffMs, random: Random): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(retry - 1, 30));
  return random() * ceiling;
}
