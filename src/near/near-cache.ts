import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.js';
import { NO_VERSION, type EntryChange, type EntryListener } from '../store/entry-changes.js';
import type { EntryCopies, EntryReading } from '../store/entry-copies.js';
import type { EntryRecord } from '../store/entry-operations.js';
import type { ResolvedNearOptions } from './near-cache.options.js';

/** What a copy takes beside its texts. */
const COPY_BYTES = 200;

/** A copy of an entry. */
export interface NearCopy {
  readonly record: EntryRecord;
  /** By the clock. */
  readonly untilMs: number;
  /** What those who read it have made of it. */
  memo: unknown;
}

/** Reads of a key that are on their way, and what has happened to it meanwhile. */
interface Flight {
  reads: number;
  /** What is read may be kept from this version on. */
  leastVersion: number;
}

/** What keys had before a change must not be kept after it. */
interface NearReading extends EntryReading {
  readonly age: number;
  /** By the clock. What the store says is as old as that at most, however long its answer takes. */
  readonly beganMs: number;
}

/**
 * Copies of entries in this process, bounded in number, bytes and time. They are dropped when the store tells of a change; what it tells
 * comes after the change, so a copy may be older than its entry for that long, and whoever must not be wrong compares its version.
 */
export class NearCache implements EntryCopies, EntryListener {
  private readonly copies: LRUCache<string, NearCopy>;
  private readonly flights = new Map<string, Flight>();
  /** Counts the times that everything was thrown away. */
  private age = 0;
  /** When copies are given no longer, because no change is heard of; infinity while changes are heard. */
  private deafAtMs = 0;
  private isDown = false;

  constructor(
    private readonly clock: Clock,
    readonly options: ResolvedNearOptions,
  ) {
    this.copies = new LRUCache({
      max: options.maxEntries,
      maxSize: options.maxBytes,
      sizeCalculation: ({ record }, key) => COPY_BYTES + Buffer.byteLength(key) + Buffer.byteLength(record.value ?? ''),
    });
  }

  /** How many copies there are, those that are over included until somebody asks for them. */
  get size(): number {
    return this.copies.size;
  }

  /** The copy that may be given now. */
  get(key: string): NearCopy | undefined {
    const copy = this.copies.get(key);
    if (copy === undefined) return undefined;
    const nowMs = this.clock.now();
    if (nowMs < copy.untilMs && nowMs < this.deafAtMs) return copy;
    if (nowMs >= copy.untilMs) this.copies.delete(key);
    return undefined;
  }

  beginReading(keys: readonly string[]): NearReading {
    for (const key of keys) {
      const flight = this.flights.get(key);
      if (flight === undefined) this.flights.set(key, { reads: 1, leastVersion: 0 });
      else flight.reads += 1;
    }
    return { keys, age: this.age, beganMs: this.clock.now() };
  }

  keep(reading: EntryReading, key: string, record: EntryRecord, leftMs: number): void {
    const nowMs = this.clock.now();
    const { age, beganMs } = reading as NearReading;
    const flight = this.flights.get(key);
    if (flight === undefined || age !== this.age || record.version < flight.leastVersion) return;
    const untilMs = beganMs + Math.min(leftMs, this.options.ttlMs);
    if (nowMs >= untilMs || nowMs >= this.deafAtMs) return;
    const known = this.copies.peek(key);
    if (known !== undefined && known.record.version >= record.version && nowMs < known.untilMs) return;
    this.copies.set(key, { record, untilMs, memo: undefined });
  }

  endReading({ keys }: EntryReading): void {
    for (const key of keys) {
      const flight = this.flights.get(key);
      if (flight === undefined) continue;
      flight.reads -= 1;
      if (flight.reads === 0) this.flights.delete(key);
    }
  }

  drop(keys: Iterable<string>): void {
    for (const key of keys) this.changed({ key, version: NO_VERSION });
  }

  changed({ key, version }: EntryChange): void {
    const flight = this.flights.get(key);
    if (flight !== undefined && flight.leastVersion < version) flight.leastVersion = version;
    const copy = this.copies.peek(key);
    if (copy !== undefined && copy.record.version < version) this.copies.delete(key);
  }

  /** The store tells of changes from now on. */
  open(): void {
    if (!this.isDown) this.gap();
  }

  gap(): void {
    this.isDown = false;
    this.clear();
    this.deafAtMs = Number.POSITIVE_INFINITY;
  }

  down(): void {
    this.isDown = true;
    if (this.deafAtMs !== Number.POSITIVE_INFINITY) return;
    const { servedDeafMs } = this.options;
    this.deafAtMs = this.clock.now() + servedDeafMs;
    if (servedDeafMs === 0) this.clear();
  }

  /** Nothing is given or kept any more. */
  close(): void {
    this.deafAtMs = 0;
    this.clear();
  }

  /** What is on its way is not kept either. */
  private clear(): void {
    this.age += 1;
    this.copies.clear();
  }
}
