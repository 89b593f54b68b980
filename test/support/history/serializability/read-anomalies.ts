import { shownList, type Anomaly, type AnomalyKind } from './anomaly.js';
import type { AppendRecord, Appends } from './appends.js';
import { sharedLength, type ExternalRead } from './external-reads.js';
import type { History, Transaction } from './history.js';
import type { KeyOrder } from './version-order.js';

/**
 * What is wrong with single reads, whatever the isolation: G1a, G1b, `garbage-read`, `duplicate-element`, and
 * `incompatible-order`, between two or against the program of a writer. An element is
 * told once for each of them, with its first reader in the history, however many saw it.
 */
export function readAnomalies(history: History, appends: Appends, keys: readonly KeyOrder[]): Anomaly[] {
  return keys.flatMap((order) => [
    ...flawedElements(history, appends, order),
    ...intermediateReads(history, appends, order),
    ...incompatibleOrders(history, order),
  ]);
}

interface Flaw {
  readonly kind: AnomalyKind;
  readonly at: number;
  readonly element: string;
}

function flawedElements(history: History, appends: Appends, order: KeyOrder): Anomaly[] {
  const { key, reads, longest, forks } = order;
  const own = appends.byKey.get(key);
  const found = new Map<string, { flaw: Flaw; read: ExternalRead; count: number }>();
  // Every other read is a prefix of the longest, and has those of its flaws that stand within it.
  const flawsOfLongest = longest ? flawsOf(longest) : [];
  for (const read of reads) {
    for (const flaw of forks.has(read) ? flawsOf(read) : flawsOfLongest) {
      if (flaw.at >= read.length) continue;
      const id = JSON.stringify([flaw.kind, flaw.element]);
      const known = found.get(id);
      if (known) known.count += 1;
      else found.set(id, { flaw, read, count: 1 });
    }
  }
  return [...found.values()].map(({ flaw: { kind, element }, read, count }) => {
    const writer = writerOf(history, own?.get(element));
    const isOfWriter = kind === 'G1a' || kind === 'incompatible-order';
    return {
      kind,
      description: `${told(history, read)}${others(count)}: ${because(kind, element, writer)}`,
      transactions: [...new Set([idOf(history, read.reader), ...(isOfWriter && writer ? [writer.id] : [])])],
    };
  });

  function flawsOf({ list, length }: ExternalRead): Flaw[] {
    const flaws: Flaw[] = [];
    const seen = new Set<string>();
    const newest = new Map<number, number>();
    for (let at = 0; at < length; at += 1) {
      const element = list[at] ?? '';
      const record = own?.get(element);
      if (!record) flaws.push({ kind: 'garbage-read', at, element });
      else if (writerOf(history, record)?.status === 'failed') flaws.push({ kind: 'G1a', at, element });
      if (seen.has(element)) flaws.push({ kind: 'duplicate-element', at, element });
      else if (record && record.number < (newest.get(record.writer) ?? -1))
        flaws.push({ kind: 'incompatible-order', at, element });
      seen.add(element);
      if (record) newest.set(record.writer, record.number);
    }
    return flaws;
  }
}

function because(kind: AnomalyKind, element: string, writer: Transaction | undefined): string {
  if (kind === 'G1a') return `${element} was appended by ${writer?.id ?? ''}, which failed`;
  if (kind === 'incompatible-order') return `${writer?.id ?? ''} appended ${element} before what stands before it`;
  return kind === 'garbage-read' ? `nobody appended ${element}` : `${element} is in it more than once`;
}

function intermediateReads(history: History, appends: Appends, { key, reads }: KeyOrder): Anomaly[] {
  const found = new Map<AppendRecord, { read: ExternalRead; count: number }>();
  for (const read of reads) {
    const last = appends.byKey.get(key)?.get(read.list[read.length - 1] ?? '');
    // What a failed transaction appended must not be seen at all: that is G1a.
    if (!last || last.isFinal || last.writer === read.reader || writerOf(history, last)?.status === 'failed') continue;
    const known = found.get(last);
    if (known) known.count += 1;
    else found.set(last, { read, count: 1 });
  }
  return [...found].map(([{ element, writer }, { read, count }]) => ({
    kind: 'G1b',
    description: `${told(history, read)}${others(count)}: after ${element}, ${idOf(history, writer)} appended more to ${key}`,
    transactions: [idOf(history, read.reader), idOf(history, writer)],
  }));
}

function incompatibleOrders(history: History, { longest, forks }: KeyOrder): Anomaly[] {
  // One fork in the history of a key is one anomaly, however many went on to read its branch.
  const branches = new Map<string, { read: ExternalRead; count: number }>();
  for (const read of longest ? forks : []) {
    const at = longest ? sharedLength(read, longest) : 0;
    const branch = JSON.stringify([at, read.list[at]]);
    const known = branches.get(branch);
    if (known) known.count += 1;
    else branches.set(branch, { read, count: 1 });
  }
  return [...branches.values()].flatMap(({ read, count }) => {
    if (!longest) return [];
    return {
      kind: 'incompatible-order',
      description: `${told(history, read)}${others(count)}, and ${told(history, longest)}: they part after ${sharedLength(read, longest)} elements`,
      transactions: [idOf(history, read.reader), idOf(history, longest.reader)],
    };
  });
}

function told(history: History, { reader, key, list, length }: ExternalRead): string {
  return `${idOf(history, reader)} read ${key} as ${shownList(list.slice(0, length))}`;
}

function others(count: number): string {
  return count > 1 ? ` (and so did ${count - 1} more reads)` : '';
}

function idOf(history: History, place: number): string {
  return history[place]?.id ?? '';
}

function writerOf(history: History, record: AppendRecord | undefined): Transaction | undefined {
  return record && history[record.writer];
}
