import type {
  CommitOperation,
  EntryRecord,
  Expectation,
  Mismatch,
  VersionStrategy,
} from '../store/entry-operations.js';
import { ExpiringMap } from './expiring-map.js';
import { nextStamp, type Instant } from './server-time.js';

/**
 * The entries of one namespace. Beyond `maxEntries` the least recently used one is evicted: a reader sees a miss, and
 * the key's next version is larger all the same, because it starts from the server's time.
 */
export class EntryTable {
  private readonly entries: ExpiringMap<EntryRecord>;

  constructor(maxEntries: number) {
    this.entries = new ExpiringMap(maxEntries);
  }

  /** Entries kept, expired ones included until they are swept. */
  get size(): number {
    return this.entries.size;
  }

  read(key: string, now: Instant): EntryRecord | undefined {
    return this.entries.get(key, now.ms);
  }

  /** Every operation whose expectation the entries do not meet, in order. */
  mismatches(operations: readonly CommitOperation[], now: Instant): readonly Mismatch[] {
    return operations.flatMap(({ key, expected }) => {
      const actual = this.versionOf(key, now);
      return expected === undefined || meets(actual, expected) ? [] : [{ key, actual }];
    });
  }

  /** Does what the operation says and answers the key's version afterwards, 0 for none. */
  apply(operation: CommitOperation, now: Instant): number {
    switch (operation.kind) {
      case 'check':
        return this.versionOf(operation.key, now);
      case 'delete':
        this.entries.delete(operation.key);
        return 0;
      case 'put':
        return this.store(operation, operation.value, expiryOf(operation.ttlMs, now), now);
      case 'bump': {
        const expiresAtMs = this.entries.expiryOf(operation.key, now.ms) ?? expiryOf(operation.ttlMs, now);
        return this.store(operation, this.read(operation.key, now)?.value, expiresAtMs, now);
      }
    }
  }

  private versionOf(key: string, now: Instant): number {
    return this.read(key, now)?.version ?? 0;
  }

  private store(
    { key, strategy }: { readonly key: string; readonly strategy: VersionStrategy },
    value: string | undefined,
    expiresAtMs: number,
    now: Instant,
  ): number {
    const version = nextVersion(this.versionOf(key, now), strategy, now);
    this.entries.set(key, { value, version }, expiresAtMs, now.ms);
    return version;
  }
}

function meets(actual: number, expected: Expectation): boolean {
  return expected.kind === 'exists' ? actual !== 0 : actual === expected.version;
}

function nextVersion(previous: number, strategy: VersionStrategy, now: Instant): number {
  return strategy === 'counter' && previous !== 0 ? previous + 1 : nextStamp(previous, now);
}

function expiryOf(ttlMs: number, now: Instant): number {
  return ttlMs === 0 ? Number.POSITIVE_INFINITY : now.ms + ttlMs;
}
