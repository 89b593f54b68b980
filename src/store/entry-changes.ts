/** The bus of the store port: which entries have changed, for whoever keeps copies of them (protocol section 5). */

/** No copy may be kept: the entry was deleted, or dropped because nobody can vouch for it. Larger than every version. */
export const NO_VERSION = Number.POSITIVE_INFINITY;

/** One entry that was written, by whatever process: this one too. */
export interface EntryChange {
  readonly key: string;
  /** The smallest version that a copy may have and still be current; {@link NO_VERSION} when none may be kept. */
  readonly version: number;
}

/**
 * Who keeps copies of entries. What it throws goes to the store's error sink and is nobody else's business.
 *
 * Messages are not in step with answers. A read that is on its way when one comes may bring back what was there before: a copy
 * of it counts as one that was kept before. And a writer may have its answer before anybody hears of the write.
 */
export interface EntryListener {
  /**
   * `key` was written, or has a prepared write that may become visible from now on. It comes once, repeated or late, and
   * says nothing of the value. It tells what to drop, not what to refuse later: a prepared write may be taken back.
   */
  changed(change: EntryChange): void;
  /**
   * Changes may have been missed, and they are heard again from now on: every copy is thrown away. Only what is read from here
   * on may be kept.
   */
  gap(): void;
  /** The bus is known to be dead: nothing is heard until {@link gap}, and no copy is current meanwhile. */
  down(): void;
}
