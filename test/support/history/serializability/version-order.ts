import type { AppendRecord, Appends } from './appends.js';
import { externalReads, sharedLength, type ExternalRead } from './external-reads.js';
import type { History } from './history.js';

/** What is known about the versions of one key. */
export interface KeyOrder {
  readonly key: string;
  /** Every read of it that counts. */
  readonly reads: readonly ExternalRead[];
  /** The longest of them, whose elements stand in the order of the versions; undefined if nobody read the key. */
  readonly longest: ExternalRead | undefined;
  /** The reads that are no prefix of the longest: they contradict it, and no order follows from them. */
  readonly forks: ReadonlySet<ExternalRead>;
  /**
   * Who appended the elements of the longest read, place by place; undefined where nobody did who committed, and where an
   * element stands for the second time.
   */
  readonly chain: readonly (AppendRecord | undefined)[];
  /** Appends that took effect and that no read shows, not even a fork. */
  readonly unread: readonly AppendRecord[];
}

export interface VersionOrders {
  readonly keys: readonly KeyOrder[];
  /** By the place in the history. */
  readonly isCommitted: readonly boolean[];
}

/**
 * Infers, for each key, the order in which its versions were installed. Lists only grow, and from this follows:
 *
 * - The elements of a read were appended in the order in which they stand, and before all that is not in it.
 * - An append that took effect and that no read shows comes after everything that was read of its key. Not inferred is the
 *   order of two such appends of different transactions, nor anything about a transaction that may not have taken effect.
 * - A transaction of unknown outcome took effect, as a whole, if one that counts saw an element of it. Only then do its own
 *   reads count: before its commit, a transaction that is going to fail may see anything. So a read-only one never counts.
 * - The reads of failed transactions prove nothing.
 */
export function versionOrders(history: History, appends: Appends): VersionOrders {
  const isCommitted = history.map(({ status }) => status === 'ok');
  const isRead = new Uint8Array(appends.all.length);
  const keys = new Map<string, { reads: ExternalRead[]; longest?: ExternalRead; isForked: boolean }>();
  for (const key of appends.byKey.keys()) keys.set(key, { reads: [], isForked: false });

  // It grows while it is walked through: each transaction that turns out to have taken effect brings its own reads.
  const counting = [...history.keys()].filter((place) => isCommitted[place]);
  for (const place of counting) {
    const transaction = history[place];
    if (!transaction) continue;
    for (const read of externalReads(transaction, place)) see(read);
  }
  return { keys: [...keys].map(([key, known]) => ({ key, ...settle(key, known) })), isCommitted };

  function see(read: ExternalRead): void {
    const known = keys.get(read.key) ?? { reads: [], isForked: false };
    keys.set(read.key, known);
    known.reads.push(read);
    const { longest } = known;
    let shared = longest ? sharedLength(read, longest) : 0;
    if (longest && shared < Math.min(read.length, longest.length)) {
      known.isForked = true;
      shared = 0;
    }
    for (; shared < read.length; shared += 1) count(read, shared);
    if (!longest || read.length > longest.length) known.longest = read;
  }

  function count({ key, list, reader }: ExternalRead, at: number): void {
    const record = appends.byKey.get(key)?.get(list[at] ?? '');
    if (!record) return;
    isRead[record.number] = 1;
    const { writer } = record;
    if (writer === reader || isCommitted[writer] || history[writer]?.status !== 'unknown') return;
    isCommitted[writer] = true;
    counting.push(writer);
  }

  function settle(
    key: string,
    { reads, longest, isForked }: { reads: ExternalRead[]; longest?: ExternalRead; isForked: boolean },
  ): Omit<KeyOrder, 'key'> {
    const forks = new Set<ExternalRead>();
    if (longest && isForked) for (const read of reads) if (sharedLength(read, longest) < read.length) forks.add(read);
    const own = appends.byKey.get(key);
    const placed = new Set<AppendRecord>();
    const chain = (longest?.list.slice(0, longest.length) ?? []).map((element) => {
      const record = own?.get(element);
      if (!record || !isCommitted[record.writer] || placed.has(record)) return undefined;
      placed.add(record);
      return record;
    });
    const unread = [...(own?.values() ?? [])].filter(({ writer, number }) => isCommitted[writer] && !isRead[number]);
    return { reads, longest, forks, chain, unread };
  }
}
