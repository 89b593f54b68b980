import type { CommitOperation, LockGuard } from '../store/entry-operations.js';
import type { CheckOperation, OpenTransaction, WriteOperation } from '../store/intent-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import type { Proposal } from './proposal.js';
import type { Shape } from './protocol.js';

/** What one slot has to do with a transaction. */
export interface SlotShare {
  readonly writes: readonly WriteOperation[];
  readonly checks: readonly CheckOperation[];
  readonly guards: readonly LockGuard[];
}

/** A slot that prepares: it has writes or locks of the transaction. */
export interface Part {
  readonly operations: readonly WriteOperation[];
  readonly guards: readonly LockGuard[];
}

/** Who does what in a commit over several slots. */
export interface Plan {
  readonly txnId: string;
  /** The first decides, and has writes; those with writes stand before those that only keep locks. */
  readonly parts: readonly Part[];
  /** What was only read in the slot that decides: the decision itself compares it. */
  readonly checks: readonly CheckOperation[];
  /** What was only read elsewhere, one list for each slot. */
  readonly reads: readonly (readonly CheckOperation[])[];
}

/** The transaction by slots, in ascending order. */
export function sharesOf(store: CacheTxnStore, { operations, guards }: Proposal): SlotShare[] {
  const shares = new Map<number, { writes: WriteOperation[]; checks: CheckOperation[]; guards: LockGuard[] }>();
  const share = (slot: number) => {
    let found = shares.get(slot);
    if (found === undefined) shares.set(slot, (found = { writes: [], checks: [], guards: [] }));
    return found;
  };
  for (const operation of operations) {
    const at = share(store.slotOf('entry', operation.key));
    if (operation.kind === 'check') at.checks.push(operation);
    else at.writes.push(operation);
  }
  for (const guard of guards) share(store.slotOf('lock', guard.name)).guards.push(guard);
  return [...shares].sort(([one], [other]) => one - other).map(([, each]) => each);
}

/** Whether everything belongs to one slot, which then commits in one step. Makes nothing: this runs for every commit. */
export function isOneSlot(store: CacheTxnStore, { operations, guards }: Proposal): boolean {
  let first: number | undefined;
  const isFirst = (slot: number): boolean => slot === (first ??= slot);
  return (
    operations.every(({ key }) => isFirst(store.slotOf('entry', key))) &&
    guards.every(({ name }) => isFirst(store.slotOf('lock', name)))
  );
}

export function hasWrites(operations: readonly CommitOperation[]): boolean {
  return operations.some(({ kind }) => kind !== 'check');
}

/**
 * The slot that decides is the one where the most keys were only read: the decision compares those without a round trip of
 * their own. There is a write in it.
 */
export function planOf(txnId: string, shares: readonly SlotShare[]): Plan {
  const writing = shares.filter(({ writes }) => writes.length > 0);
  const deciding = writing.reduce((best, each) => (each.checks.length > best.checks.length ? each : best));
  const others = shares.filter((each) => each !== deciding);
  const parts = [deciding, ...others].map(({ writes, guards }) => ({ operations: writes, guards }));
  return {
    txnId,
    parts: [
      ...parts.filter(({ operations }) => operations.length > 0),
      ...parts.filter(({ operations, guards }) => operations.length === 0 && guards.length > 0),
    ],
    checks: deciding.checks,
    reads: others.filter(({ checks }) => checks.length > 0).map(({ checks }) => checks),
  };
}

export function shapeOf({ parts, reads }: Plan): Shape {
  const writing = parts.filter(({ operations }) => operations.length > 0).length;
  return { writing, locking: parts.length - writing, reads: reads.length };
}

/** What whoever clears up has to know of it. */
export function openTransactionOf({ txnId, parts }: Plan): OpenTransaction {
  return { txnId, keys: parts.flatMap(({ operations }) => operations.map(({ key }) => key)) };
}
