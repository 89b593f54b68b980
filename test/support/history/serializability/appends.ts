import type { History } from './history.js';

/** An element, and who appended it. */
export interface AppendRecord {
  /** Its place in `Appends.all`. */
  readonly number: number;
  readonly key: string;
  readonly element: string;
  /** The place of its transaction in the history. */
  readonly writer: number;
  /** Whether it is the last that its transaction appended to this key. */
  readonly isFinal: boolean;
}

/** Every append of a history, whatever became of its transaction. */
export interface Appends {
  readonly all: readonly AppendRecord[];
  /** By key, then by element. */
  readonly byKey: ReadonlyMap<string, ReadonlyMap<string, AppendRecord>>;
}

/**
 * Finds out who appended what.
 *
 * @throws Error if an element was appended to a key twice: then a read would not tell whom it saw, and nothing follows
 */
export function indexAppends(history: History): Appends {
  const all: AppendRecord[] = [];
  const byKey = new Map<string, Map<string, AppendRecord>>();
  for (const [writer, { id, operations }] of history.entries()) {
    const isLast = new Set<string>();
    const own: AppendRecord[] = [];
    for (const operation of operations.toReversed()) {
      if (operation.kind !== 'append') continue;
      const { key, element } = operation;
      own.unshift({ number: 0, key, element, writer, isFinal: !isLast.has(key) });
      isLast.add(key);
    }
    for (const unnumbered of own) {
      const record = { ...unnumbered, number: all.length };
      const ofKey = byKey.get(record.key) ?? new Map<string, AppendRecord>();
      const twin = ofKey.get(record.element);
      if (twin) {
        const writers = `${history[twin.writer]?.id ?? ''} and ${id}`;
        throw new Error(`${record.element} was appended to ${record.key} twice, by ${writers}`);
      }
      byKey.set(record.key, ofKey.set(record.element, record));
      all.push(record);
    }
  }
  return { all, byKey };
}
