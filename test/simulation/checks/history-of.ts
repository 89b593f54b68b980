import type { History, Operation, Transaction } from '../../support/history/serializability/history.js';
import { listOf } from '../workload/list-value.js';
import type { Attempt, KeyRead } from '../workload/journal.js';
import type { World } from '../world/world.js';

/** Where there are rows a miss says nothing about the list. */
function isShown(world: World): (read: KeyRead) => boolean {
  return ({ found }) => world.database === undefined || found !== undefined;
}

/** What the transactions read of the lists and appended to them, and the read of all at the end. */
export function transactionHistory(world: World, final: readonly KeyRead[]): History {
  const { journal, names } = world;
  const attempts = [...journal.attempts, ...asAttempt(final)];
  return attempts.map((attempt) => transactionOf(attempt, names.lists, isShown(world)));
}

/** The same, and all reads that stand for themselves: more than is promised, see `reads-fit-together`. */
export function everythingTogether(world: World, final: readonly KeyRead[]): History {
  const { journal, names } = world;
  const reads = journal.reads
    .filter(({ key }) => names.lists.includes(key))
    .filter(isShown(world))
    .map(lonelyRead);
  return [...reads, ...transactionHistory(world, final)];
}

/**
 * The same of one list alone, where each read stands for itself as well: what it showed was there at one moment of the read,
 * whatever became of the transaction around it. Two keys that are read outside of a transaction need not fit together: what lies
 * beside a prepared write may be older than what another key showed before.
 */
export function keyHistory(world: World, key: string): History {
  const { journal } = world;
  const reads = journal.reads.filter((read) => read.key === key && isShown(world)(read)).map(lonelyRead);
  const touching = journal.attempts.filter(({ appends }) => appends.some((append) => append.key === key));
  return [...reads, ...touching.map((attempt) => transactionOf(attempt, [key], isShown(world)))];
}

function lonelyRead(read: KeyRead): Transaction {
  const { id, process, invokedAtMs, completedAtMs } = read;
  return { id: `read ${id}`, process, invokedAtMs, completedAtMs, status: 'ok', operations: [readOf(read)] };
}

function transactionOf(attempt: Attempt, lists: readonly string[], isKnown: (read: KeyRead) => boolean): Transaction {
  const { id, process, invokedAtMs, completedAtMs, status, appends, reads } = attempt;
  const isOne = ({ key }: { readonly key: string }): boolean => lists.includes(key);
  const operations: Operation[] = [
    // What a transaction read that did not commit need not fit together.
    ...(status === 'ok' ? reads.filter((read) => isOne(read) && isKnown(read)).map(readOf) : []),
    ...appends.filter(isOne).map(({ key, element }) => ({ kind: 'append' as const, key, element })),
  ];
  return { id, process, invokedAtMs, completedAtMs, status, operations };
}

/** At the end nobody writes any more, so that one read of all keys is one moment. */
function asAttempt(reads: readonly KeyRead[]): Attempt[] {
  const [first] = reads;
  if (first === undefined) return [];
  const { process, invokedAtMs, completedAtMs } = first;
  const nothing = { appends: [], puts: new Map<string, string>(), deletes: [], bumps: [], decider: 'slot' as const };
  return [{ id: 'final', process, invokedAtMs, completedAtMs, status: 'ok', reads, ...nothing }];
}

function readOf({ key, found }: KeyRead): Operation {
  return { kind: 'read', key, list: listOf(found?.value) };
}
