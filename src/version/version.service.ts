import { shownAs } from '../base/shown-as.js';
import type { Duration } from '../base/duration.js';
import { checkKey } from '../store/key-space.js';

/** Entries by version; how {@link VersionService} reaches them without knowing codecs, locks or transactions. */
export interface VersionedEntries {
  versionOf(key: string): Promise<number>;
  bump(key: string): Promise<number>;
  compareAndSet(key: string, expected: number, value: unknown, options: CompareAndSetOptions): Promise<number>;
}

export interface CompareAndSetOptions {
  /** How long the entry lives; default `cache.ttl` of the module, 0 for ever, up to 365 days. */
  readonly ttl?: Duration;
}

/**
 * Version numbers of entries: they only grow for a key and are never used twice. 0 stands for "no entry".
 */
export class VersionService {
  constructor(private readonly entries: VersionedEntries) {}

  /**
   * The present version; inside a transaction the one it reads, which then belongs to its read set.
   *
   * @throws KeyTemplateError `KEY_TEMPLATE`, LimitExceededError `LIMIT_EXCEEDED` for an unusable key, as every method here;
   * StoreUnavailableError `STORE_UNAVAILABLE`, StoreTimeoutError `STORE_TIMEOUT`
   */
  async current(key: string): Promise<number> {
    checkKey(key, 'key');
    return this.entries.versionOf(key);
  }

  /** Whether the present version is `expected`. @throws what {@link current} throws */
  async compare(key: string, expected: number): Promise<boolean> {
    return (await this.current(key)) === expected;
  }

  /**
   * Gives the key a new version, keeps its value, and answers the version. A key without an entry gets one that
   * carries a version only. Its own atomic commit.
   *
   * @throws TransactionStateError `TXN_STATE` inside a transaction: the new version exists only after its commit
   * @throws LockLostError `LOCK_LOST` when a lock of the call is lost, TransactionInDoubtError `TXN_IN_DOUBT`,
   * StoreUnavailableError `STORE_UNAVAILABLE`, ShuttingDownError `SHUTTING_DOWN`
   */
  async bump(key: string): Promise<number> {
    checkKey(key, 'key');
    return this.entries.bump(key);
  }

  /**
   * Replaces the value if the version is still `expected` (0: if there is no entry), and answers the new version.
   * Its own atomic commit.
   *
   * @throws VersionConflictError `VERSION_CONFLICT` when the version is another
   * @throws InvalidOptionsError `INVALID_OPTIONS` for what is no version, a bad option, and a value that the codec does not take;
   * LimitExceededError `LIMIT_EXCEEDED` for one over 1 MiB
   * @throws TransactionStateError `TXN_STATE` inside a transaction; what a commit throws, as {@link bump}
   */
  async compareAndSet(
    key: string,
    expected: number,
    value: unknown,
    options: CompareAndSetOptions = {},
  ): Promise<number> {
    checkKey(key, 'key');
    return this.entries.compareAndSet(key, expected, value, options);
  }
}

shownAs(VersionService, () => ({}));
