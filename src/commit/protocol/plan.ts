import type { CommitOperation, LockGuard } from '../../store/entry-operations.js';
import type { CheckOperation, OpenTransaction, WriteOperation } from '../../store/intent-operations.js';
import { DATABASE_DECIDES } from '../../store/intent.js';
import type { CacheTxnStore } from '../../store/store.js';
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
  /** The first decides, where a slot does, and has writes; those with writes stand before those that only keep locks. */
  readonly parts: readonly Part[];
  /** What was only read in the slot that decides: the decision itself compares it. */
  readonly checks: readonly CheckOperation[];
  /** What was only read elsewhere, one list for each slot. */
  readonly reads: readonly (readonly CheckOperation[])[];
  readonly decider: Shape['decider'];
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
  const [first, ...rest] = shares.filter(({ writes }) => writes.length > 0);
  const deciding = rest.reduce((best, each) => (best && each.checks.length <= best.checks.length ? best : each), first);
  const others = shares.filter((each) => each !== deciding);
  const ordered = deciding === undefined ? others : [deciding, ...others];
  const reads = readsOf(others);
  return { txnId, parts: partsOf(ordered), checks: deciding?.checks ?? [], reads, decider: 'slot' };
}

/** No slot decides, so all keys that were only read are compared before. */
export function planForDatabase(txnId: string, shares: readonly SlotShare[]): Plan {
  return { txnId, parts: partsOf(shares), checks: [], reads: readsOf(shares), decider: 'database' };
}

function partsOf(shares: readonly SlotShare[]): readonly Part[] {
  const parts = shares.map(({ writes, guards }) => ({ operations: writes, guards }));
  return [
    ...parts.filter(({ operations }) => operations.length > 0),
    ...parts.filter(({ operations, guards }) => operations.length === 0 && guards.length > 0),
  ];
}

function readsOf(shares: readonly SlotShare[]): Plan['reads'] {
  return shares.filter(({ checks }) => checks.length > 0).map(({ checks }) => checks);
}

export function shapeOf({ decider, parts, reads }: Plan, voters: number): Shape {
  const writing = parts.filter(({ operations }) => operations.length > 0).length;
  return { decider, writing, locking: parts.length - writing, reads: reads.length, voters };
}

/** What whoever clears up has to know of it. */
export function openTransactionOf({ decider, txnId, parts }: Plan): OpenTransaction {
  const keys = parts.flatMap(({ operations }) => operations.map(({ key }) => key));
  return decider === 'slot' ? { txnId, keys } : { txnId, keys, decider: DATABASE_DECIDES };
}

/** What the intents name as their decider. */
export function deciderOf({ decider, parts }: Plan): string {
  return (decider === 'slot' ? parts[0]?.operations[0]?.key : undefined) ?? DATABASE_DECIDES;
}
