import type { Outcome } from '../../../support/history/event.js';
import type { History, Operation, Transaction } from '../../../support/history/serializability/history.js';

/**
 * A history by hand, a transaction a line: `T1 0-10 x+a y=b,c z= w=?` runs from 0 to 10, appends a to x, reads y as [b, c],
 * z as empty, and w without an answer. After the id may stand `failed` or `unknown`. Without times, all overlap.
 */
export function planted(...lines: readonly string[]): History {
  return lines.map((line) => {
    const [id = '', ...words] = line.split(' ');
    const operations: Operation[] = [];
    let status: Outcome = 'ok';
    let times: Pick<Transaction, 'invokedAtMs' | 'completedAtMs'> = { invokedAtMs: 0, completedAtMs: 100 };
    for (const word of words) {
      const [, from, to] = /^(\d+)-(\d*)$/.exec(word) ?? [];
      const [, key = '', sign, value = ''] = /^(\w+)([+=])(.*)$/.exec(word) ?? [];
      if (from !== undefined) times = { invokedAtMs: Number(from), completedAtMs: to ? Number(to) : undefined };
      else if (word === 'failed' || word === 'unknown') status = word;
      else if (sign === '+') operations.push({ kind: 'append', key, element: value });
      else if (sign === '=') operations.push({ kind: 'read', key, list: listOf(value) });
      else throw new Error(`${line} has no meaning at ${word}`);
    }
    return { id, process: `process of ${id}`, ...times, status, operations };
  });
}

function listOf(value: string): string[] | undefined {
  if (value === '?') return undefined;
  return value === '' ? [] : value.split(',');
}
