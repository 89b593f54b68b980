import type { Clock } from '../../../src/base/clock.js';
import { readStored, writeStored } from '../../../src/cache/stored-value.js';
import { NearCache } from '../../../src/near/near-cache.js';
import type { ResolvedNearOptions } from '../../../src/near/near-cache.options.js';
import type { EntryChange } from '../../../src/store/entry-changes.js';
import type { EntryCopies, EntryReading } from '../../../src/store/entry-copies.js';
import type { CommitOutcome, CommitRequest, EntryRecord } from '../../../src/store/entry-operations.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';

/** A rule of the near cache that is broken on purpose. */
export interface NearMutation {
  readonly near?: (clock: Clock, options: ResolvedNearOptions) => NearCache;
  /** What transactions and single operations have in place of the copies. */
  readonly copies?: (near: NearCache) => EntryCopies;
  readonly Store?: typeof FaultInjectingStore;
}

export interface NearMutant extends NearMutation {
  readonly name: string;
  readonly shows: RegExp;
}

/** Forgets what was heard while the key was read. */
class HastyNearCache extends NearCache {
  override beginReading(keys: readonly string[]): ReturnType<NearCache['beginReading']> {
    const begun = super.beginReading(keys);
    super.endReading(begun);
    return begun;
  }

  override keep(reading: EntryReading, key: string, record: EntryRecord, leftMs: number): void {
    const own = super.beginReading([key]);
    super.keep(reading, key, record, leftMs);
    super.endReading(own);
  }

  override endReading(): void {
    return undefined;
  }
}

/** Hears of changes only as long as nothing is lost: not told of anything else, it keeps what it has. */
class UnshakenNearCache extends NearCache {
  private isOpen = false;

  override gap(): void {
    if (!this.isOpen) super.gap();
    this.isOpen = true;
  }

  override down(): void {
    return undefined;
  }
}

/** Takes no notice of when its entries end. */
class AgelessNearCache extends NearCache {
  override keep(reading: EntryReading, key: string, record: EntryRecord): void {
    super.keep(reading, key, record, Number.POSITIVE_INFINITY);
  }
}

/** Keeps what was read before everything was thrown away. */
class ClingingNearCache extends NearCache {
  override keep(reading: EntryReading, key: string, record: EntryRecord, leftMs: number): void {
    const fresh = this.beginReading([]);
    super.keep({ ...reading, age: fresh.age } as EntryReading, key, record, leftMs);
  }
}

/** Keeps values without the versions of their tags. */
class TaglessNearCache extends NearCache {
  override keep(reading: EntryReading, key: string, record: EntryRecord, leftMs: number): void {
    const stored = record.value === undefined ? undefined : readStored(record.value);
    const value = stored && writeStored({ body: stored.body, notes: {} });
    super.keep(reading, key, { ...record, value }, leftMs);
  }
}

/** Takes no copy for an old one. */
class DeafNearCache extends NearCache {
  override changed({ version, key }: EntryChange): void {
    if (this.get(key)?.record.version === version) super.changed({ version, key });
  }
}

/** Commits without a look at what was read. */
class CarelessStore extends FaultInjectingStore {
  override async commit(request: CommitRequest): Promise<CommitOutcome> {
    const present = await this.inner.readEntries(request.operations.map(({ key }) => key));
    const operations = request.operations.map((operation, i) =>
      operation.kind === 'check'
        ? { ...operation, expected: { kind: 'version' as const, version: present[i]?.version ?? 0 } }
        : { ...operation, expected: undefined },
    );
    return super.commit({ ...request, operations });
  }
}

const of = (Near: typeof NearCache) => (clock: Clock, options: ResolvedNearOptions) => new Near(clock, options);

/** What its own commits have changed it hears of by message only. */
function unaware(near: NearCache): EntryCopies {
  return {
    get: (key) => near.get(key),
    beginReading: (keys) => near.beginReading(keys),
    keep: (reading, key, record, leftMs) => {
      near.keep(reading, key, record, leftMs);
    },
    endReading: (reading) => {
      near.endReading(reading);
    },
    changed: () => undefined,
    drop: () => undefined,
  };
}

export const NEAR_MUTANTS: readonly NearMutant[] = [
  { name: 'keeps a copy although a change was heard while it was read', near: of(HastyNearCache), shows: /^stale/ },
  { name: 'does not drop a copy after its own write', copies: unaware, shows: /^stale/ },
  { name: 'keeps its copies when messages were lost', near: of(UnshakenNearCache), shows: /^stale/ },
  { name: 'keeps what was read before messages were lost', near: of(ClingingNearCache), shows: /^stale/ },
  { name: 'gives a copy after its entry has ended', near: of(AgelessNearCache), shows: /^stale/ },
  {
    name: 'gives a copy after near.ttl',
    near: (clock, options) => new NearCache(clock, { ...options, ttlMs: 86_400_000 }),
    shows: /^stale/,
  },
  { name: 'does not heed messages', near: of(DeafNearCache), shows: /^stale/ },
  { name: 'does not look at tags', near: of(TaglessNearCache), shows: /^stale|^serializable/ },
  { name: 'commits without comparing what was read', Store: CarelessStore, shows: /^serializable|^torn|^lost update/ },
];
