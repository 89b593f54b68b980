import type { CommitOperation } from '../../../src/store/entry-operations.js';
import type { Profile } from '../world/profile.js';
import { listOf } from './list-value.js';
import type { Attempt, KeyRead } from './journal.js';
import type { BlindWrite, Script } from './script.js';

/** The operations, as the transaction of the application makes them of its reads and writes, and what is known of them. */
export function propose(
  script: Script,
  reads: readonly KeyRead[],
  isolation: Profile['isolation'],
  process: string,
  invokedAtMs: number,
): { operations: CommitOperation[]; attempt: Attempt } {
  const { id, appends, blind, strategy, rows } = script;
  const operations: CommitOperation[] = [];
  const puts = new Map<string, string>();
  const written = new Map<string, BlindWrite>(blind.map((write) => [write.key, write]));
  const elements = appends.map((key) => ({ key, element: `${id}.${key}` }));
  for (const { key, found } of reads) {
    const expected = { kind: 'version', version: found?.version ?? 0 } as const;
    const appended = elements.find((each) => each.key === key);
    if (appended !== undefined) {
      const value = JSON.stringify([...listOf(found?.value), appended.element]);
      puts.set(key, value);
      operations.push({ kind: 'put', key, expected, value, ttlMs: 0, strategy });
    } else if (!written.has(key) && isolation === 'serializable') {
      operations.push({ kind: 'check', key, expected });
    }
  }
  for (const key of appends) {
    // Where a database decides, the value is the row's, which is not there yet.
    if (!reads.some((read) => read.key === key)) operations.push({ kind: 'put', key, value: '', ttlMs: 0, strategy });
  }
  for (const { key, kind, ttlMs } of blind) {
    const read = reads.find((each) => each.key === key);
    const expected = read && ({ kind: 'version', version: read.found?.version ?? 0 } as const);
    if (kind === 'delete') operations.push({ kind, key, expected });
    else if (kind === 'bump') operations.push({ kind, key, expected, ttlMs, strategy });
    else {
      const value = `${id}.${key}`;
      puts.set(key, value);
      operations.push({ kind, key, expected, value, ttlMs, strategy });
    }
  }
  operations.sort((one, other) => (one.key < other.key ? -1 : 1));
  const ofKind = (kind: string): string[] => blind.filter((each) => each.kind === kind).map(({ key }) => key);
  const attempt: Attempt = {
    id,
    process,
    invokedAtMs,
    status: 'unknown',
    decider: rows === undefined ? 'slot' : 'database',
    reads,
    appends: elements,
    puts,
    deletes: ofKind('delete'),
    bumps: ofKind('bump'),
  };
  return { operations, attempt };
}
