import type { EntryRecord } from './entry-operations.js';

/** A reading that is on its way, for {@link EntryCopies}. */
export interface EntryReading {
  readonly keys: readonly string[];
}

/** Copies of entries beside a store, for those who read and write them. */
export interface EntryCopies {
  /** The copy that may be given now. It may be older than its entry. */
  get(key: string): { readonly record: EntryRecord } | undefined;
  /** Before the store is asked about keys, or is to write them; {@link endReading} has to follow. */
  beginReading(keys: readonly string[]): EntryReading;
  /** Keeps what the store said in that reading: committed, with no prepared write beside it, for `leftMs` at the most. */
  keep(reading: EntryReading, key: string, record: EntryRecord, leftMs: number): void;
  endReading(reading: EntryReading): void;
  /** A copy with a smaller version than this is none any more. */
  changed(change: { readonly key: string; readonly version: number }): void;
  /** Nobody can tell what the keys have. */
  drop(keys: Iterable<string>): void;
}
