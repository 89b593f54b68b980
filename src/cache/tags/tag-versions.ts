import { StoreUnavailableError } from '../../base/errors.js';
import { newId } from '../../base/random.js';
import type { EntryRecord } from '../../store/entry-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { TAG_TTL_MS, tagKey } from './tags.js';

/** Reads what is committed. */
export type ReadRecords = (keys: readonly string[]) => Promise<readonly (EntryRecord | undefined)[]>;

/** The version of each tag; none where the store did not say. */
export type TagVersionMap = ReadonlyMap<string, number>;

export const NO_TAGS: TagVersionMap = new Map();

/**
 * Versions of tags. A value keeps those that its tags had before it was made, and counts while they are still the same: whoever invalidates a tag
 * gives it a new version, and writes to no other key.
 *
 * A tag that is not there vouches for nothing, because it may have been invalidated and then evicted: it is made anew, with a version that it never had.
 */
export class TagVersions {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly read: ReadRecords,
  ) {}

  /** The present versions, without the tags that are not there. */
  async present(tags: readonly string[]): Promise<TagVersionMap> {
    if (tags.length === 0) return NO_TAGS;
    const records = await this.read(tags.map(tagKey));
    const versions = new Map<string, number>();
    tags.forEach((tag, i) => {
      const version = records[i]?.version ?? 0;
      if (version > 0) versions.set(tag, version);
    });
    return versions;
  }

  /** The present versions of all of them; makes those that are not there. One whose making fails is left out. */
  async ensure(tags: readonly string[]): Promise<TagVersionMap> {
    const versions = new Map(await this.present(tags));
    const absent = tags.filter((tag) => !versions.has(tag));
    await Promise.all(
      absent.map(async (tag) => {
        const version = await this.make(tag);
        if (version > 0) versions.set(tag, version);
      }),
    );
    return versions;
  }

  /** Whoever comes second gets the version that the first one has made; 0 where it cannot be made, as in a store that takes no writes. */
  private async make(tag: string): Promise<number> {
    const operation = {
      kind: 'bump',
      key: tagKey(tag),
      expected: { kind: 'version', version: 0 },
      ttlMs: TAG_TTL_MS,
      strategy: 'timestamp',
    } as const;
    const request = { txnId: newId(), operations: [operation], guards: [], outcomeTtlMs: 0 };
    const outcome = await this.store.commit(request).catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) return { kind: 'refused' } as const;
      throw error;
    });
    if (outcome.kind === 'committed') return outcome.versions[0] ?? 0;
    return outcome.kind === 'conflict' ? (outcome.mismatches[0]?.actual ?? 0) : 0;
  }
}

/** Whether a value of these tags still counts. */
export function areCurrent(noted: Readonly<Record<string, number>> | undefined, present: TagVersionMap): boolean {
  if (noted === undefined) return true;
  for (const tag in noted) if (noted[tag] !== present.get(tag)) return false;
  return true;
}

/** What a value notes of its tags; undefined when the version of one is not known. */
export function notedVersions(tags: readonly string[], present: TagVersionMap): Record<string, number> | undefined {
  const noted: [string, number][] = [];
  for (const tag of tags) {
    const version = present.get(tag);
    if (version === undefined) return undefined;
    noted.push([tag, version]);
  }
  return Object.fromEntries(noted);
}
