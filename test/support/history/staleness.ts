/** How a cached value was asked for. */
export type ReadKind = 'get' | 'getMany' | 'getOrLoad';

/** One read of an entry, between two looks at its row: a row's version grows with each commit, because the row lock orders them. */
export interface CachedRead {
  readonly key: string;
  readonly kind: ReadKind;
  /** Of the row as it was committed before the read began. */
  readonly before: number;
  /** Of the row in the answer; undefined: a miss. */
  readonly seen: number | undefined;
  /** The answer came from a load, of this caller or of one that it shared, and not from the store. */
  readonly isLoaded: boolean;
  /** Of the row as it was committed after the read had ended. */
  readonly after: number;
  readonly atMs: number;
}

/** What the reads of one observer, or of several together, have shown. */
export interface StalenessFigures {
  readonly reads: number;
  /** Of them, answered by the store. */
  readonly hits: number;
  readonly loads: number;
  /** Answers older than the row was before the read began. */
  readonly stale: number;
  /** Answers that were in no row yet. */
  readonly ahead: number;
  /** From the first to the last time that an entry was seen with the same outdated version. */
  readonly longestStaleMs: number;
  /** The first of what is wrong. */
  readonly examples: readonly CachedRead[];
}

const MOST_EXAMPLES = 5;

export const NO_READS: StalenessFigures = {
  ...{ reads: 0, hits: 0, loads: 0, stale: 0, ahead: 0, longestStaleMs: 0 },
  examples: [],
};

/** Proves stale answers, and values that nobody committed, one read after the other. */
export class StalenessWatch {
  private counts = NO_READS;
  private readonly outdated = new Map<string, { readonly seen: number; readonly sinceMs: number }>();

  get figures(): StalenessFigures {
    return this.counts;
  }

  note(read: CachedRead): void {
    const { after, before, isLoaded, key, seen } = read;
    const isAnswer = seen !== undefined;
    const isStale = isAnswer && seen < before;
    const isAhead = isAnswer && seen > after;
    const one: StalenessFigures = {
      reads: 1,
      hits: isAnswer && !isLoaded ? 1 : 0,
      loads: isAnswer && isLoaded ? 1 : 0,
      stale: isStale ? 1 : 0,
      ahead: isAhead ? 1 : 0,
      longestStaleMs: isStale ? this.staleFor(read, seen) : 0,
      examples: isStale || isAhead ? [read] : [],
    };
    if (!isStale) this.outdated.delete(key);
    this.counts = together(this.counts, one);
  }

  private staleFor({ atMs, key }: CachedRead, seen: number): number {
    const known = this.outdated.get(key);
    if (known?.seen === seen) return atMs - known.sinceMs;
    this.outdated.set(key, { seen, sinceMs: atMs });
    return 0;
  }
}

/** The figures of two observers. */
export function together(one: StalenessFigures, other: StalenessFigures): StalenessFigures {
  return {
    reads: one.reads + other.reads,
    hits: one.hits + other.hits,
    loads: one.loads + other.loads,
    stale: one.stale + other.stale,
    ahead: one.ahead + other.ahead,
    longestStaleMs: Math.max(one.longestStaleMs, other.longestStaleMs),
    examples: [...one.examples, ...other.examples].slice(0, MOST_EXAMPLES),
  };
}
