import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { Handover } from '../../../src/store/lock-operations.js';
import type { CacheTxnStore, Unsubscribe } from '../../../src/store/store.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { gate as closedGate } from '../../../src/testing/faults/gate.js';
import { SlottedStore } from './slotted-store.js';

/** What becomes of one operation: `run` does it at the server; a fault may do so early, late or never. */
export type Fault = (run: () => Promise<unknown>) => Promise<unknown>;

/** The server did it, and nobody hears of it. */
export const lostReply: Fault = async (run) => {
  await run();
  throw new StoreTimeoutError('the reply was lost');
};

/** The server never hears of it. */
export const unavailable: Fault = async () => {
  throw new StoreUnavailableError('no connection');
};

/** The answer, or the request itself, is on its way until somebody opens the gate. */
export interface Gate {
  readonly lateReply: Fault;
  readonly lateRequest: Fault;
  readonly open: () => void;
}

export function gate(): Gate {
  const { before, after, open } = closedGate();
  return { lateReply: after, lateRequest: before, open };
}

/** One call as the service made it. */
export interface StoreCall {
  readonly operation: StoreOperation;
  readonly request: unknown;
}

/** The operations that a service's own work is made of. */
const WORK: readonly StoreOperation[] = [
  'acquireLocks',
  'renewLocks',
  'releaseLocks',
  'readEntries',
  'commit',
  'resolveCommit',
  'leaseFill',
];

/** The published fault-injecting store, over one slot or several, with hand-overs that never were and shorter questions. */
export class ScriptedStore extends FaultInjectingStore {
  private readonly heardBy = new Set<(handover: Handover) => void>();
  private gapsHeard = 0;

  constructor(slots: readonly CacheTxnStore[], slotOfName: (name: string) => number = () => 0) {
    super(new SlottedStore(slots, slotOfName));
  }

  /** Hand-overs get lost. */
  set isDeaf(isDeaf: boolean) {
    this.always('handover', isDeaf ? 'drop-before' : undefined);
  }

  /** How a hand-over message travels: `deliver` may be called late, twice or never. */
  set carry(carry: (deliver: () => void) => void) {
    this.always('handover', async (run) => carry(() => void run()));
  }

  /** A hand-over message arrives: late, repeated, or one that never was. */
  tell(handover: Handover): void {
    for (const listener of this.heardBy) listener(handover);
  }

  /** The calls of services, in order; without hand-over messages and looks at locks. */
  get calls(): readonly StoreCall[] {
    return this.journal.filter(({ operation }) => WORK.includes(operation));
  }

  requests<T>(operation: StoreOperation): T[] {
    return this.calls.filter((call) => call.operation === operation).map(({ request }) => request as T);
  }

  count(operation?: StoreOperation): number {
    return operation === undefined ? this.calls.length : this.requests(operation).length;
  }

  /** Who listens to hand-overs and gaps. */
  get listeners(): number {
    return this.heardBy.size + this.gapsHeard;
  }

  override onHandover(listener: (handover: Handover) => void): Unsubscribe {
    const unsubscribe = super.onHandover(listener);
    this.heardBy.add(listener);
    return () => {
      this.heardBy.delete(listener);
      unsubscribe();
    };
  }

  override onHandoverGap(listener: () => void): Unsubscribe {
    const unsubscribe = super.onHandoverGap(listener);
    this.gapsHeard += 1;
    return () => {
      this.gapsHeard -= 1;
      unsubscribe();
    };
  }
}
