import { StoreUnavailableError } from '../base/errors.js';
import type { EntryCopies } from '../store/entry-copies.js';
import type { EntryReadOptions, EntryRecord } from '../store/entry-operations.js';
import { DATABASE_DECIDES, type Intent } from '../store/intent.js';
import type { StoredEntry } from '../store/intent-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { IntentResolver } from './recovery/intent-resolver.js';

/** New intents met on one key in one read before it gives up: each takes a whole commit of somebody else. */
const MOST_ROUNDS = 16;

/** Reads what is committed, also where a prepared write is in the way (protocol I2). */
export class EntryReader {
  constructor(
    readonly store: CacheTxnStore,
    private readonly resolver = new IntentResolver(store),
    private readonly copies?: EntryCopies,
  ) {}

  /**
   * One result per key, in order; undefined for no entry. One round trip, and two or three more where it meets the write of
   * a transaction whose owner has not finished it. Where a database decides that one, there is no entry until it is finished: only
   * the database can tell which value counts. What a replica shows as prepared may be settled already: the primary is asked for it.
   */
  async read(keys: readonly string[], options?: EntryReadOptions): Promise<readonly (EntryRecord | undefined)[]> {
    const entries = await this.store.readEntries(keys, options);
    if (!entries.some((entry) => entry?.intent !== undefined)) return entries;
    if (options?.from !== 'replica') return this.allCommitted(keys, entries);
    const prepared = new Set(keys.filter((_, i) => entries[i]?.intent !== undefined));
    const settled = await this.recordsOf([...prepared]);
    return keys.map((key, i) => (prepared.has(key) ? settled.get(key) : entries[i]));
  }

  /**
   * The same, from copies in this process where there are some: what they have may be over already. No round trip where all are there; what is not is kept.
   */
  readNear(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    const { copies } = this;
    return copies === undefined ? this.read(keys) : this.readCopies(keys, copies);
  }

  private async readCopies(
    keys: readonly string[],
    copies: EntryCopies,
  ): Promise<readonly (EntryRecord | undefined)[]> {
    const found = keys.map((key) => copies.get(key)?.record);
    const missing = keys.filter((_, i) => found[i] === undefined);
    if (missing.length === 0) return found;
    const records = await this.readAndKeep(missing, copies);
    let next = 0;
    return found.map((record) => record ?? records[next++]);
  }

  private async readAndKeep(
    keys: readonly string[],
    copies: EntryCopies,
  ): Promise<readonly (EntryRecord | undefined)[]> {
    const reading = copies.beginReading(keys);
    try {
      const entries = await this.store.readEntries(keys, { withTimeLeft: true });
      keys.forEach((key, i) => {
        const entry = entries[i];
        if (entry === undefined || entry.intent !== undefined) return;
        const { value, version, leftMs = 0 } = entry;
        copies.keep(reading, key, { value, version }, leftMs);
      });
      return await this.allCommitted(keys, entries);
    } finally {
      copies.endReading(reading);
    }
  }

  private async allCommitted(
    keys: readonly string[],
    entries: readonly (StoredEntry | undefined)[],
  ): Promise<readonly (EntryRecord | undefined)[]> {
    if (!entries.some((entry) => entry?.intent !== undefined)) return entries;
    return Promise.all(keys.map((key, i) => this.committed(key, entries[i])));
  }

  private async recordsOf(keys: readonly string[]): Promise<ReadonlyMap<string, EntryRecord | undefined>> {
    const records = await this.read(keys);
    return new Map(keys.map((key, i) => [key, records[i]]));
  }

  private async committed(key: string, found: StoredEntry | undefined): Promise<EntryRecord | undefined> {
    let entry = found;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      if (entry?.intent === undefined) return entry;
      if (entry.intent.decider === DATABASE_DECIDES) return undefined;
      const resolution = await this.resolver.resolve(key, entry.intent);
      if (resolution.kind === 'pending') return besideIntent(entry, entry.intent, resolution.nowMs);
      [entry] = await this.store.readEntries([key]);
    }
    throw new StoreUnavailableError(`${key} is rewritten faster than it can be read; try again`, { details: { key } });
  }
}

/** The value that the intent may replace, unless it has expired meanwhile: the key has no TTL of its own as long. */
function besideIntent({ value, version }: StoredEntry, intent: Intent, nowMs: number): EntryRecord | undefined {
  const isExpired = intent.expiresAtMs > 0 && intent.expiresAtMs <= nowMs;
  return version === 0 || isExpired ? undefined : { value, version };
}
