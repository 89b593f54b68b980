import type { ResolvedNearOptions } from '../../../src/near/near-cache.options.js';
import type { EntryChange } from '../../../src/store/entry-changes.js';
import type { NearProfile } from './near-profile.js';
import type { Truth } from './truth.js';

/** How far back a plain read of one process may look (G57). What was over before that must not be seen. */
export class Horizon {
  /** For all keys: since the last time that everything was thrown away. */
  private floorMs = Number.NEGATIVE_INFINITY;
  private readonly floors = new Map<string, number>();
  private readonly heard = new Map<string, number>();
  private deafAtMs = Number.POSITIVE_INFINITY;
  /** How old a copy may be at most, messages apart. */
  readonly boundMs: number;

  constructor(
    private readonly truth: Truth,
    profile: NearProfile,
    private readonly near: ResolvedNearOptions | undefined,
  ) {
    const ttlMs = near?.ttlMs ?? 0;
    this.boundMs = profile.lossRate > 0 ? ttlMs : Math.min(ttlMs, profile.busMs);
  }

  /** The moment from which on a read that begins now may see the key. */
  sinceMs(key: string, nowMs: number): number {
    if (nowMs >= this.deafAtMs) return nowMs;
    const floorMs = this.floors.get(key) ?? Number.NEGATIVE_INFINITY;
    return Math.max(nowMs - this.boundMs, this.floorMs, floorMs, this.heardMs(key, nowMs));
  }

  /** A message about a write of that moment has arrived. */
  hear({ key, version }: EntryChange, sentMs: number): void {
    this.raise(key, sentMs);
    if (Number.isFinite(version)) this.heard.set(key, Math.max(version, this.heard.get(key) ?? 0));
  }

  /** Its own write, which was answered, was made at that moment. */
  raise(key: string, toMs: number): void {
    this.floors.set(key, Math.max(toMs, this.floors.get(key) ?? Number.NEGATIVE_INFINITY));
  }

  down(nowMs: number): void {
    this.deafAtMs = Math.min(this.deafAtMs, nowMs + (this.near?.servedDeafMs ?? 0));
  }

  gap(nowMs: number): void {
    this.floorMs = nowMs;
    this.deafAtMs = Number.POSITIVE_INFINITY;
  }

  /** What a message told of may have been prepared only, and be committed since. */
  private heardMs(key: string, nowMs: number): number {
    const version = this.heard.get(key);
    if (version === undefined) return Number.NEGATIVE_INFINITY;
    for (const state of this.truth.between(key, nowMs - this.boundMs, nowMs)) {
      if (state.version === version) return state.fromMs;
    }
    return Number.NEGATIVE_INFINITY;
  }
}
