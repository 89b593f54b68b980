import { tagKey } from '../../../src/cache/tags/tags.js';
import type { NearProcess } from './near-process.js';
import { TAG, TAGGED } from './near-profile.js';
import type { Load } from './loads.js';
import type { Truth } from './truth.js';

/** A plain read that has begun: from when on it may see each key. */
export interface BegunRead {
  readonly process: NearProcess;
  readonly atMs: number;
  readonly sinceMs: ReadonlyMap<string, number>;
}

/** What reads and transactions have seen, in numbers. */
export interface Seen {
  reads: number;
  /** Reads that saw what was over when they began. */
  staleReads: number;
  worstStaleMs: number;
  /** The largest share of the bound that a read has used up. */
  worstShare: number;
  transactions: number;
  conflicts: number;
}

/** The server counts TTLs in whole milliseconds of its own clock. */
const TTL_GRAIN_MS = 1;

/** Says what is wrong with what was seen. */
export class Judge {
  readonly seen: Seen = { reads: 0, staleReads: 0, worstStaleMs: 0, worstShare: 0, transactions: 0, conflicts: 0 };

  constructor(
    private readonly truth: Truth,
    /** In one slot everything is compared at one moment. */
    private readonly isOneSlot: boolean,
    private readonly loads: ReadonlyMap<number, Load>,
    private readonly problems: string[],
  ) {}

  begin(process: NearProcess, keys: readonly string[], atMs: number): BegunRead {
    const watched = keys.some(isTagged) ? [...keys, tagKey(TAG)] : keys;
    const sinceMs = new Map(watched.map((key) => [key, process.horizon.sinceMs(key, atMs)]));
    return { process, atMs, sinceMs };
  }

  /** G57: what a plain read saw was there at some moment that it may look back to. */
  read(begun: BegunRead, key: string, value: number | undefined, endMs: number): void {
    this.truth.observe();
    this.seen.reads += 1;
    const staleMs = value === undefined ? this.missedFor(begun, key, endMs) : this.staleFor(begun, key, value, endMs);
    if (staleMs === undefined) {
      this.problems.push(`stale: ${begun.process.name} read ${key} = ${value} at ${begun.atMs}..${endMs}`);
      return;
    }
    if (staleMs <= 0) return;
    this.seen.staleReads += 1;
    this.seen.worstStaleMs = Math.max(this.seen.worstStaleMs, staleMs);
    this.seen.worstShare = Math.max(this.seen.worstShare, staleMs / begun.process.horizon.boundMs);
  }

  /**
   * G57: what a serializable transaction saw was there, all of it, at one moment between its begin and its end. Keys without an entry in
   * several slots have each a moment of their own (docs/guarantees.md, "Absence in several slots"): no version tells that an entry has come and gone between the read and the comparison.
   */
  transaction(name: string, reads: ReadonlyMap<string, number | undefined>, beginMs: number, endMs: number): void {
    this.truth.observe();
    this.seen.transactions += 1;
    const keys = [...reads.keys()];
    const watched = keys.some(isTagged) ? [...keys, tagKey(TAG)] : keys;
    const moments = [beginMs];
    for (const key of watched) {
      for (const { fromMs } of this.truth.between(key, beginMs, endMs)) if (fromMs > beginMs) moments.push(fromMs);
    }
    const isSeen = (key: string, atMs: number): boolean => this.truth.valueAt(key, atMs) === reads.get(key);
    const apart = this.isOneSlot ? [] : keys.filter((key) => reads.get(key) === undefined);
    const together = keys.filter((key) => !apart.includes(key));
    const isRight =
      moments.some((atMs) => together.every((key) => isSeen(key, atMs))) &&
      apart.every((key) => moments.some((atMs) => isSeen(key, atMs)));
    if (!isRight) {
      const shown = keys.map((key) => `${key} = ${reads.get(key)}`).join(', ');
      this.problems.push(`serializable: ${name} saw ${shown}, which never was so from ${beginMs} to ${endMs}`);
    }
  }

  /** For how long the value was over when the read began; undefined where it must not be seen. */
  private staleFor(begun: BegunRead, key: string, value: number, endMs: number): number | undefined {
    const load = this.loads.get(value);
    if (load?.key === key && load.untilMs >= begun.atMs && load.fromMs <= endMs) return 0;
    for (const state of this.truth.between(key, begun.sinceMs.get(key)!, endMs)) {
      if (state.value !== value || begun.atMs > state.endsMs + TTL_GRAIN_MS) continue;
      let overMs = state.untilMs;
      for (const [tag, version] of state.tags) {
        const tagMs = this.lastOf(tag, version, begun.sinceMs.get(tag)!, endMs);
        if (tagMs === undefined) return undefined;
        overMs = Math.min(overMs, tagMs);
      }
      return begun.atMs - overMs;
    }
    return undefined;
  }

  /** The same for no value: there was none, or its tag was another one. */
  private missedFor({ atMs, sinceMs }: BegunRead, key: string, endMs: number): number | undefined {
    for (const state of this.truth.between(key, sinceMs.get(key)!, endMs)) {
      if (state.value === undefined) return atMs - state.untilMs;
      if (state.endsMs <= endMs) return 0;
      for (const [tag, version] of state.tags) {
        for (const other of this.truth.between(tag, sinceMs.get(tag)!, endMs)) {
          if (other.version !== version) return atMs - Math.min(state.untilMs, other.untilMs);
        }
      }
    }
    return undefined;
  }

  private lastOf(key: string, version: number, sinceMs: number, untilMs: number): number | undefined {
    for (const state of this.truth.between(key, sinceMs, untilMs)) if (state.version === version) return state.untilMs;
    return undefined;
  }
}

function isTagged(key: string): boolean {
  return TAGGED.some((each) => each === key);
}
