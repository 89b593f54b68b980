import type { EntryReadOptions } from '../store/entry-operations.js';
import type { ActiveTransaction } from '../txn/active-transaction.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import type { View } from '../txn/txn-buffer.js';
import { noteUnreadable } from '../version/resource-call.js';
import { readStored, type StoredValue } from './stored-value.js';
import { areCurrent, type TagVersionMap, TagVersions } from './tags/tag-versions.js';
import { tagKey } from './tags/tags.js';

/** An entry as a call sees it. */
export interface CurrentEntry {
  /** Undefined when there is none, or only a floor, or its tags have been invalidated. */
  readonly stored: StoredValue | undefined;
  /** The version read; 0 for no entry, and for one that the transaction only wrote. */
  readonly version: number;
}

/** Reads entries for the present call, inside its transaction or outside of any. A value whose tags have been invalidated is none. */
export class CurrentEntries {
  readonly tags: TagVersions;

  constructor(private readonly coordinator: TransactionCoordinator) {
    const { alone, store } = coordinator;
    this.tags = new TagVersions(store, (keys) => alone.readApart(keys));
  }

  /** One round trip, and one more where there are values with tags: of those the primary is asked, also where a replica gave the values. */
  async read(keys: readonly string[], options?: EntryReadOptions): Promise<readonly CurrentEntry[]> {
    if (keys.length === 0) return [];
    const txn = this.coordinator.active();
    return this.current(keys, txn ? await txn.read(keys) : await this.readAlone(keys, options), txn);
  }

  /** Whether what was read outside of a transaction is a value whose tags are still the same. */
  async isCurrent(value: string): Promise<boolean> {
    const { floor, tags = {} } = storedOf(value).notes;
    return floor === undefined && areCurrent(tags, await this.tags.present(Object.keys(tags)));
  }

  /** What the views, which were read in this call, are worth. No version names what the call shows in the place of one that is worth nothing. */
  async current(
    keys: readonly string[],
    views: readonly View[],
    txn: ActiveTransaction | undefined,
  ): Promise<readonly CurrentEntry[]> {
    const isOwn = (i: number): boolean => txn?.buffer.ownValue(keys[i] ?? '') !== undefined;
    const entries = views.map(({ value, version }, i) => {
      const stored = value === undefined ? undefined : storedOf(value);
      if (stored?.notes.floor === undefined) return { stored, version };
      if (!isOwn(i)) noteUnreadable(this.coordinator.store, keys[i] ?? '');
      return { stored: undefined, version };
    });
    if (!entries.some(({ stored }) => stored?.notes.tags !== undefined)) return entries;
    const tags = new Set<string>();
    entries.forEach(({ stored }, i) => {
      if (!isOwn(i)) for (const tag of Object.keys(stored?.notes.tags ?? {})) tags.add(tag);
    });
    if (tags.size === 0) return entries;
    const present = txn ? await presentIn(txn, [...tags]) : await this.tags.present([...tags]);
    return entries.map(({ stored, version }, i) => {
      const isCurrent = isOwn(i) || areCurrent(stored?.notes.tags, present);
      if (!isCurrent) noteUnreadable(this.coordinator.store, keys[i] ?? '');
      return { stored: isCurrent ? stored : undefined, version };
    });
  }

  private async readAlone(keys: readonly string[], options?: EntryReadOptions): Promise<readonly View[]> {
    const { alone } = this.coordinator;
    const records = await (options === undefined ? alone.readNear(keys) : alone.read(keys, options));
    return records.map((record) => ({ value: record?.value, version: record?.version ?? 0 }));
  }
}

/** What begins with notes that are not ours is no value for whoever decodes it. */
function storedOf(text: string): StoredValue {
  return readStored(text) ?? { body: text, notes: {} };
}

/** The versions that the commit compares; a tag that the transaction itself invalidates vouches for nothing. */
async function presentIn(txn: ActiveTransaction, tags: readonly string[]): Promise<TagVersionMap> {
  const views = await txn.read(tags.map(tagKey));
  const versions = new Map<string, number>();
  tags.forEach((tag, i) => {
    const version = views[i]?.version ?? 0;
    if (version > 0 && !txn.buffer.hasWrite(tagKey(tag))) versions.set(tag, version);
  });
  return versions;
}
