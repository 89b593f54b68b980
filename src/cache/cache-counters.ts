/** What a cache has counted since its application started, in this process. */
export interface CacheStatistics {
  /** Entries that were read and could not be: broken, over a limit, written by another codec, or refused by `validate`. Each one was a miss. */
  readonly unreadable: number;
}

/** Counts what happens to the reads of one cache. */
export class CacheCounters {
  private unreadable = 0;

  countUnreadable(): void {
    this.unreadable += 1;
  }

  /** As they are now; the object does not change. */
  snapshot(): CacheStatistics {
    return { unreadable: this.unreadable };
  }
}
