import type { Clock } from '../../base/clock.js';
import { isStoreAway } from '../../base/errors.js';
import type { ResolvedLoadOptions } from '../cache.options.js';
import { readingPrimary } from '../../txn/replica-reads.js';
import { areCurrent, type TagVersionMap, type TagVersions } from '../tags/tag-versions.js';
import { StoreBreaker } from './store-breaker.js';

/** Versions that may not be known, because the store is away from a load that can do without it. */
export type KnownTags = TagVersionMap | undefined;

/** The tags of loads, also while the store is away. They may be on other servers than the keys. */
export class LoadTags {
  private readonly breaker: StoreBreaker;

  constructor(
    private readonly tags: Pick<TagVersions, 'present' | 'ensure'>,
    clock: Clock,
  ) {
    this.breaker = new StoreBreaker(clock);
  }

  /** The tags that a call names, which are read beside its keys; undefined for none. Whoever needs them hears of a failure. */
  named({ tags, onStoreError }: ResolvedLoadOptions): Promise<KnownTags> | undefined {
    if (tags.length === 0) return undefined;
    const reading = this.read(onStoreError, () => this.tags.ensure(tags));
    reading.catch(() => undefined);
    return reading;
  }

  /** Whether a value with these notes still counts, for a call that knows of these versions. */
  async areCurrent(
    noted: Readonly<Record<string, number>>,
    known: TagVersionMap,
    { onStoreError }: ResolvedLoadOptions,
  ): Promise<boolean> {
    if (areCurrent(noted, known)) return true;
    const names = Object.keys(noted);
    const isOver = (versions: TagVersionMap): boolean =>
      names.some((tag) => (versions.get(tag) ?? 0) > (noted[tag] ?? 0));
    if (isOver(known)) return false;
    // Tags that the call did not name, or that were invalidated, and the value made again, after they were read.
    const present = await this.read(onStoreError, () => this.tags.present(names));
    if (present === undefined || areCurrent(noted, present)) return present !== undefined;
    if (isOver(present) || !names.every((tag) => present.has(tag))) return false;
    // The copies in this process are older than the value.
    const stored = await this.read(onStoreError, () => readingPrimary(() => this.tags.present(names)));
    return stored !== undefined && areCurrent(noted, stored);
  }

  private async read(
    onStoreError: ResolvedLoadOptions['onStoreError'],
    read: () => Promise<TagVersionMap>,
  ): Promise<KnownTags> {
    const isOpen = onStoreError === 'load';
    if (isOpen && !this.breaker.asks()) return undefined;
    try {
      const versions = await read();
      this.breaker.answered();
      return versions;
    } catch (error) {
      if (!isOpen || !isStoreAway(error)) throw error;
      this.breaker.failed();
      return undefined;
    }
  }
}
