interface Lasting<V> {
  readonly value: V;
  readonly expiresAtMs: number;
}

/** Old records looked at for each record that comes or moves; with 2 a whole map is swept before it can double. */
const SWEPT_PER_INSERT = 2;

/**
 * A map whose records end at a time, without a timer: an ended record is skipped by every read, and each new record
 * pays for looking at two old ones, so that ended records nobody asks for are given back as well.
 *
 * With `maxSize` the least recently used record makes room for a new one.
 */
export class ExpiringMap<V> {
  private readonly records = new Map<string, Lasting<V>>();
  private sweeper = this.records.keys();
  private leftInSweep = 0;

  constructor(private readonly maxSize = Number.POSITIVE_INFINITY) {}

  /** Records kept, ended ones included until they are swept. */
  get size(): number {
    return this.records.size;
  }

  /** The record of `key` that has not ended, which becomes the most recently used. */
  get(key: string, nowMs: number): V | undefined {
    const record = this.alive(key, nowMs);
    if (record !== undefined && this.maxSize !== Number.POSITIVE_INFINITY) {
      this.sweep(nowMs);
      this.records.delete(key);
      this.records.set(key, record);
    }
    return record?.value;
  }

  /** When the record of `key` ends; infinity when never; undefined when there is none. */
  expiryOf(key: string, nowMs: number): number | undefined {
    return this.alive(key, nowMs)?.expiresAtMs;
  }

  /** Keeps `value` until `expiresAtMs` (infinity: for ever), instead of what `key` had. */
  set(key: string, value: V, expiresAtMs: number, nowMs: number): void {
    this.sweep(nowMs);
    this.records.delete(key);
    this.records.set(key, { value, expiresAtMs });
    if (this.records.size > this.maxSize) this.dropLeastRecentlyUsed();
  }

  delete(key: string): void {
    this.records.delete(key);
  }

  /** The keys of this moment, ended ones included. */
  keys(): readonly string[] {
    return [...this.records.keys()];
  }

  private alive(key: string, nowMs: number): Lasting<V> | undefined {
    const record = this.records.get(key);
    if (record === undefined || record.expiresAtMs > nowMs) return record;
    this.records.delete(key);
    return undefined;
  }

  private dropLeastRecentlyUsed(): void {
    for (const key of this.records.keys()) {
      this.records.delete(key);
      return;
    }
  }

  /**
   * The iterator of a Map lives through insertions and deletions; one pass is cut at the size it began with.
   *
   * It has to move with every record that does: V8 keeps every table that the Map has outgrown since its iterator was
   * last moved.
   */
  private sweep(nowMs: number): void {
    for (let looked = 0; looked < SWEPT_PER_INSERT; looked += 1) {
      const next = this.leftInSweep > 0 ? this.sweeper.next() : undefined;
      if (next === undefined || next.done === true) {
        this.sweeper = this.records.keys();
        this.leftInSweep = this.records.size;
        return;
      }
      this.leftInSweep -= 1;
      this.alive(next.value, nowMs);
    }
  }
}
