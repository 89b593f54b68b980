import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { DATABASE_OPERATIONS, type DatabaseOperation } from './database-door.js';

/** Who decides a transaction: one of its slots, or the database that its rows are in. */
export type DecidedBy = 'slot' | 'database';

/** What a transaction of the matrix spans. */
export interface Shape {
  readonly decider: DecidedBy;
  /** Slots that it writes in. */
  readonly slots: number;
  /** Whether it also reads in a slot that it does not write in. */
  readonly reads: boolean;
  /** Whether it runs under a lock that lives in a slot of its own. */
  readonly locks: boolean;
}

/** A message of the owner. */
export type Operation = StoreOperation | DatabaseOperation;

/** One message of the owner is on its way to the store or the database, or its answer is on its way back. */
export type Moment = 'before' | 'after';

/** A message that fails on its way to the step, so that the owner gets there at all. */
export interface Mishap {
  readonly operation: Operation;
  readonly moment: Moment;
  readonly error: 'unavailable' | 'timeout';
}

/** One line of the matrix. */
export interface Step {
  readonly name: string;
  readonly operation: Operation;
  /** Which of the transaction's messages of that kind, from 1. */
  readonly nth: number;
  readonly mishap?: Mishap;
  /** Whether the transaction is decided when the owner gets to the step, becomes so by it, or never will be. */
  readonly decided: 'before' | 'by it' | 'never';
}

/** Whether everything is in one slot, which commits in one step. */
export function isOneSlot({ decider, slots, reads, locks }: Shape): boolean {
  return decider === 'slot' && slots === 1 && !reads && !locks;
}

/** Whether it goes to the database, not to the store. */
export function isAtDatabase(operation: Operation): operation is DatabaseOperation {
  return (DATABASE_OPERATIONS as readonly string[]).includes(operation);
}

/** Of the messages that go to several slots. */
export function firstAndLast(
  operation: 'prepare' | 'settle',
  count: number,
  more: Pick<Step, 'decided' | 'mishap'>,
): readonly Step[] {
  const verb = more.mishap ? 'take back' : operation;
  return [
    ...(count > 0 ? [{ name: `${verb} the first slot`, operation, nth: 1, ...more }] : []),
    ...(count > 1 ? [{ name: `${verb} the last slot`, operation, nth: count, ...more }] : []),
  ];
}
