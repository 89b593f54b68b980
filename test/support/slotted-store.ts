import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../../src/store/entry-operations.js';
import type { Intent } from '../../src/store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  OpenTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
  StoredEntry,
} from '../../src/store/intent-operations.js';
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

/** Several stores as the slots of one, chosen by `slotOfName`, as a cluster is; each may have a clock of its own. */
export class SlottedStore extends CacheTxnStore {
  constructor(
    private readonly slots: readonly CacheTxnStore[],
    private readonly slotOfName: (name: string) => number,
  ) {
    super();
  }

  async start(context: StoreContext): Promise<void> {
    for (const slot of this.slots) await slot.start(context);
  }

  async stop(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.stop()));
  }

  get hasSlots(): boolean {
    return this.slots.length > 1;
  }

  slotOf(_kind: 'entry' | 'lock', key: string): number {
    return this.slotOfName(key);
  }

  async acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.slotFor(request.names[0]).acquireLocks(request);
  }

  async renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    const answers = requests.map((request) => this.slotFor(request.name).renewLocks([request]));
    return (await Promise.all(answers)).flat();
  }

  async releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.slotFor(request.names[0]).releaseLocks(request);
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
    return all(this.slots.map((slot) => slot.onHandover(listener)));
  }

  onHandoverGap(listener: () => void): Unsubscribe {
    return all(this.slots.map((slot) => slot.onHandoverGap(listener)));
  }

  async readEntries(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    return (await Promise.all(keys.map((key) => this.slotFor(key).readEntries([key])))).flat();
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.slotFor(request.operations[0]?.key).commit(request);
  }

  async resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.slotFor(request.operations[0]?.key).resolveCommit(request);
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    return this.slotFor(transaction.keys[0]).openTransaction(transaction, leftMs);
  }

  async prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    return this.slotFor((request.operations[0] ?? { key: request.guards[0]?.name }).key).prepare(request);
  }

  async decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.slotFor(request.operations[0]?.key).decide(request);
  }

  async askDecision(intent: Pick<Intent, 'txnId' | 'decider' | 'deadlineMs'>): Promise<Decision> {
    return this.slotFor(intent.decider).askDecision(intent);
  }

  async settle(request: SettleRequest): Promise<void> {
    return this.slotFor(request.keys[0]).settle(request);
  }

  async retireDecision(intent: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    return this.slotFor(intent.decider).retireDecision(intent, keepMs);
  }

  closeTransaction(transaction: OpenTransaction): Promise<void> {
    return this.slotFor(transaction.keys[0]).closeTransaction(transaction);
  }

  async overdueTransactions(limit: number): Promise<readonly OpenTransaction[]> {
    return (await Promise.all(this.slots.map((slot) => slot.overdueTransactions(limit)))).flat();
  }

  private slotFor(name = ''): CacheTxnStore {
    const slot = this.slots[this.slotOfName(name)];
    if (slot === undefined) throw new Error(`the test has no slot for ${name}`);
    return slot;
  }
}

function all(subscriptions: readonly Unsubscribe[]): Unsubscribe {
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}
