import type { Transaction } from './history.js';

/** What a transaction saw of a key, without what it appended itself. */
export interface ExternalRead {
  /** The place of the reader in the history. */
  readonly reader: number;
  readonly key: string;
  /** The whole answer, of which the first `length` elements count. */
  readonly list: readonly string[];
  readonly length: number;
}

/**
 * The reads of a transaction as others see them: its own appends at the end of an answer are cut off.
 *
 * A transaction may see its own appends before anybody else does, and where they will stand in the list is decided later. So
 * they say nothing about the order of the versions; the appends themselves are in the order anyway. Own elements that do not
 * stand at the end, or stand there and before it, are wrong in any case, and are left in place for the other rules to find.
 */
export function externalReads(transaction: Transaction, reader: number): ExternalRead[] {
  const reads: ExternalRead[] = [];
  const appended = new Map<string, string[]>();
  for (const operation of transaction.operations) {
    const { key } = operation;
    const own = appended.get(key) ?? [];
    if (operation.kind === 'append') {
      appended.set(key, [...own, operation.element]);
    } else if (operation.list) {
      const { list } = operation;
      const isCut = endsWith(list, own) && !own.some((element) => list.indexOf(element) < list.length - own.length);
      reads.push({ reader, key, list, length: list.length - (isCut ? own.length : 0) });
    }
  }
  return reads;
}

/** Whether the list ends with these elements, in this order. */
export function endsWith(list: readonly string[], end: readonly string[]): boolean {
  const start = list.length - end.length;
  return start >= 0 && end.every((element, i) => list[start + i] === element);
}

/** How many elements two reads have in common, from the first on. */
export function sharedLength(a: ExternalRead, b: ExternalRead): number {
  const limit = Math.min(a.length, b.length);
  if (a.list === b.list) return limit;
  let shared = 0;
  while (shared < limit && a.list[shared] === b.list[shared]) shared += 1;
  return shared;
}
