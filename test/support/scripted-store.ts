import { StoreTimeoutError, StoreUnavailableError } from '../../src/base/errors.js';
import type { CommitOutcome, CommitRequest, EntryRecord, ResolveOutcome } from '../../src/store/entry-operations.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../src/store/lock-operations.js';
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../../src/store/store.js';

/** Operations that a test can disturb. */
export type Operation = 'acquireLocks' | 'renewLocks' | 'releaseLocks' | 'readEntries' | 'commit' | 'resolveCommit';

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
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    lateReply: async (run) => {
      const answer = await run();
      await opened;
      return answer;
    },
    lateRequest: async (run) => {
      await opened;
      return run();
    },
    open: () => open(),
  };
}

/** One call as the service made it. */
export interface StoreCall {
  readonly operation: Operation;
  readonly request: unknown;
}

/**
 * A store whose operations a test can lose, delay or refuse, one by one; it counts the calls. With several inner stores
 * each is a slot of its own, chosen by `slotOfName`, with a clock of its own if the test gives it one.
 */
export class ScriptedStore extends CacheTxnStore {
  readonly calls: StoreCall[] = [];
  /** Hand-overs get lost. */
  isDeaf = false;
  /** How a hand-over message travels: `deliver` may be called late, twice or never. */
  carry: (deliver: () => void) => void = (deliver) => deliver();
  private readonly scripts = new Map<Operation, Fault[]>();
  private readonly standing = new Map<Operation, Fault>();
  private readonly handoverListeners = new Set<(handover: Handover) => void>();
  private readonly gapListeners = new Set<() => void>();

  constructor(
    private readonly slots: readonly CacheTxnStore[],
    private readonly slotOfName: (name: string) => number = () => 0,
  ) {
    super();
  }

  /** The next calls of the operation meet these faults, in order; the ones after them run as usual. */
  next(operation: Operation, ...faults: readonly Fault[]): void {
    this.scripts.set(operation, [...(this.scripts.get(operation) ?? []), ...faults]);
  }

  /** Every call of the operation meets this fault, until it is set to undefined. */
  always(operation: Operation, fault: Fault | undefined): void {
    if (fault) this.standing.set(operation, fault);
    else this.standing.delete(operation);
  }

  /** A hand-over message arrives: late, repeated, or one that never was. */
  tell(handover: Handover): void {
    for (const listener of this.handoverListeners) listener(handover);
  }

  /** The subscription came back after a gap. */
  gap(): void {
    for (const listener of this.gapListeners) listener();
  }

  requests<T>(operation: Operation): T[] {
    return this.calls.filter((call) => call.operation === operation).map(({ request }) => request as T);
  }

  count(operation?: Operation): number {
    return operation === undefined ? this.calls.length : this.requests(operation).length;
  }

  /** Who listens to hand-overs and gaps. */
  get listeners(): number {
    return this.handoverListeners.size + this.gapListeners.size;
  }

  async start(context: StoreContext): Promise<void> {
    for (const slot of this.slots) {
      await slot.start(context);
      slot.onHandover((handover) => {
        if (!this.isDeaf) this.carry(() => this.tell(handover));
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.stop()));
  }

  slotOf(_kind: 'entry' | 'lock', key: string): number {
    return this.slotOfName(key);
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.play('acquireLocks', request, () => this.slotFor(request.names[0]).acquireLocks(request));
  }

  renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    return this.play('renewLocks', requests, async () => {
      const answers = requests.map((request) => this.slotFor(request.name).renewLocks([request]));
      return (await Promise.all(answers)).flat();
    });
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.play('releaseLocks', request, () => this.slotFor(request.names[0]).releaseLocks(request));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.slotFor(name).forceReleaseLock(name, fence);
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.slotFor(name).inspectLock(name);
  }

  async *listLocks(pattern: string): AsyncIterable<LockInfo> {
    for (const slot of this.slots) yield* slot.listLocks(pattern);
  }

  onHandover(listener: (handover: Handover) => void): Unsubscribe {
    this.handoverListeners.add(listener);
    return () => this.handoverListeners.delete(listener);
  }

  onHandoverGap(listener: () => void): Unsubscribe {
    this.gapListeners.add(listener);
    return () => this.gapListeners.delete(listener);
  }

  readEntries(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    return this.play('readEntries', keys, () => this.slotFor(keys[0]).readEntries(keys));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.play('commit', request, () => this.slotFor(request.operations[0]?.key).commit(request));
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.play('resolveCommit', request, () => this.slotFor(request.operations[0]?.key).resolveCommit(request));
  }

  private slotFor(name = ''): CacheTxnStore {
    const slot = this.slots[this.slotOfName(name)];
    if (slot === undefined) throw new Error(`the test has no slot for ${name}`);
    return slot;
  }

  private async play<T>(operation: Operation, request: unknown, run: () => Promise<T>): Promise<T> {
    this.calls.push({ operation, request });
    const fault = this.scripts.get(operation)?.shift() ?? this.standing.get(operation);
    return fault ? (fault(run) as Promise<T>) : run();
  }
}
