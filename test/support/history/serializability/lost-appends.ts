import { shownList, type Anomaly } from './anomaly.js';
import type { AppendRecord } from './appends.js';
import type { ExternalRead } from './external-reads.js';
import { doneAtMs, type History } from './history.js';
import type { KeyOrder } from './version-order.js';

/** An append that no read shows, and a read of its key that began after the append was acknowledged. */
export interface LostAppend {
  readonly record: AppendRecord;
  readonly read: ExternalRead;
}

/**
 * Finds the acknowledged appends that are in no list although somebody looked after they were there.
 *
 * It takes the order in time: without it, the reader may come first. An append in doubt is never lost.
 */
export function lostAppends(history: History, keys: readonly KeyOrder[]): LostAppend[] {
  return keys.flatMap(({ reads, unread }) => {
    if (unread.length === 0) return [];
    let latest: ExternalRead | undefined;
    for (const read of reads) if (!latest || invokedAtMs(read) > invokedAtMs(latest)) latest = read;
    if (!latest) return [];
    const read = latest;
    return unread.filter(({ writer }) => completedAtMs(writer) < invokedAtMs(read)).map((record) => ({ record, read }));
  });

  function invokedAtMs({ reader }: ExternalRead): number {
    return history[reader]?.invokedAtMs ?? -Infinity;
  }

  function completedAtMs(writer: number): number {
    const transaction = history[writer];
    return transaction ? doneAtMs(transaction) : Infinity;
  }
}

export function lostAppendAnomaly(history: History, { record, read }: LostAppend): Anomaly {
  const { key, element } = record;
  const [writer, reader] = [history[record.writer]?.id ?? '', history[read.reader]?.id ?? ''];
  const seen = shownList(read.list.slice(0, read.length));
  return {
    kind: 'lost-append',
    description: `${writer} appended ${element} to ${key} and completed; ${reader} was invoked later and read ${key} as ${seen}, and nobody ever read ${element}`,
    transactions: [writer, reader],
  };
}
