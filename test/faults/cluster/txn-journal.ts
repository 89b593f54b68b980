import { appendFileSync, readFileSync } from 'node:fs';

import type { History, Transaction } from '../../support/history/serializability/history.js';

/** Takes what is known of a transaction; what comes later about the same id replaces it. */
export type TxnSink = (transaction: Transaction) => void;

/** The transactions of several processes, as the checker takes them. */
export class TxnJournal {
  private readonly transactions = new Map<string, Transaction>();

  readonly note: TxnSink = (transaction) => {
    this.transactions.set(transaction.id, transaction);
  };

  /** What a process wrote to a file. Its last line may be torn: the process was killed. */
  addFile(path: string): void {
    const lines = readFileSync(path, 'utf8').split('\n');
    const torn = lines.pop();
    if (torn !== undefined && torn !== '') lines.push(...(isComplete(torn) ? [torn] : []));
    for (const line of lines) this.note(JSON.parse(line) as Transaction);
  }

  get history(): History {
    return [...this.transactions.values()];
  }
}

/** A sink whose lines survive a kill. */
export function fileSink(path: string): TxnSink {
  return (transaction) => {
    appendFileSync(path, `${JSON.stringify(transaction)}\n`);
  };
}

function isComplete(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
