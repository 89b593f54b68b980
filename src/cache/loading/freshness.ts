import type { Random } from '../../base/random.js';
import type { EntryTimes } from '../../store/fill-operations.js';
import type { ResolvedLoadOptions } from '../cache.options.js';

/** What a read does about a value that is there. */
export type Freshness =
  | 'fresh'
  /** It is given, and loaded anew behind the call's back. */
  | 'ageing'
  /** The same, although its time is over. */
  | 'stale'
  /** It is loaded anew, and given when that fails or takes too long. */
  | 'last-resort'
  /** It is loaded anew. */
  | 'over';

/**
 * @param tookMs how long the value took to load
 * @param times none for a value whose times nobody asked for, and which is fresh to its end
 */
export function freshnessOf(
  times: EntryTimes | undefined,
  tookMs: number,
  { refreshAheadMs, staleIfErrorMs, staleWhileRevalidateMs, xfetch }: ResolvedLoadOptions,
  random: Random,
): Freshness {
  if (times === undefined) return 'fresh';
  const leftMs = Math.min(times.staleAtMs, times.endsAtMs) - times.nowMs;
  if (leftMs > 0) return leftMs <= Math.max(refreshAheadMs, xfetchMs(tookMs, xfetch, random)) ? 'ageing' : 'fresh';
  if (-leftMs < staleWhileRevalidateMs) return 'stale';
  return -leftMs < staleIfErrorMs ? 'last-resort' : 'over';
}

/** How long before its time a value is loaded anew, once in so many reads: XFetch (Vattani, Chierichetti and Lowenstein, VLDB 2015). */
function xfetchMs(tookMs: number, beta: number, random: Random): number {
  return beta === 0 ? 0 : tookMs * beta * -Math.log(1 - random());
}
