import type { EntryListener } from '../../../src/store/entry-changes.js';
import type {
  CommitOutcome,
  CommitRequest,
  EntryReadOptions,
  ResolveOutcome,
} from '../../../src/store/entry-operations.js';
import type {
  FillOutcome,
  FillRequest,
  LeaseEnd,
  LeaseOutcome,
  LeaseRequest,
} from '../../../src/store/fill-operations.js';
import type { Intent } from '../../../src/store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  DecisionQuestion,
  ListedTransaction,
  OpenTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
  StoredEntry,
} from '../../../src/store/intent-operations.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../../src/store/lock-operations.js';
import type {
  AnswerOutcome,
  MemberAnswer,
  MemberLook,
  MemberOutcome,
  RollCall,
  RollCallOutcome,
  RollConclusion,
  RollHint,
  RollOutcome,
  RollState,
  VotesComplete,
} from '../../../src/store/member-operations.js';
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../../../src/store/store.js';

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

  async readEntries(
    keys: readonly string[],
    options?: EntryReadOptions,
  ): Promise<readonly (StoredEntry | undefined)[]> {
    return (await Promise.all(keys.map((key) => this.slotFor(key).readEntries([key], options)))).flat();
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

  async askDecision(question: DecisionQuestion): Promise<Decision> {
    return this.slotFor(question.decider).askDecision(question);
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

  leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
    return this.slotFor(request.key).leaseFill(request);
  }

  fill(request: FillRequest): Promise<FillOutcome> {
    return this.slotFor(request.key).fill(request);
  }

  onLeaseEnd(listener: (ended: LeaseEnd) => void): Unsubscribe {
    return all(this.slots.map((slot) => slot.onLeaseEnd(listener)));
  }

  async watchEntries(listener: EntryListener): Promise<Unsubscribe> {
    return all(await Promise.all(this.slots.map((slot) => slot.watchEntries(listener))));
  }

  async identity(): Promise<string> {
    return (await Promise.all(this.slots.map((slot) => slot.identity()))).join(' ');
  }

  async listTransactions(limit: number): Promise<readonly ListedTransaction[]> {
    return (await Promise.all(this.slots.map((slot) => slot.listTransactions(limit)))).flat();
  }

  lookAsMember(look: MemberLook): Promise<MemberOutcome> {
    return this.slotFor(look.name).lookAsMember(look);
  }

  leaveMembers(name: string, node: string): Promise<void> {
    return this.slotFor(name).leaveMembers(name, node);
  }

  callRoll(call: RollCall): Promise<RollCallOutcome> {
    return this.slotFor(call.name).callRoll(call);
  }

  readRoll(name: string, txnId: string): Promise<RollState> {
    return this.slotFor(name).readRoll(name, txnId);
  }

  answerRoll(answer: MemberAnswer): Promise<AnswerOutcome> {
    return this.slotFor(answer.name).answerRoll(answer);
  }

  concludeRoll(conclusion: RollConclusion): Promise<RollOutcome> {
    return this.slotFor(conclusion.name).concludeRoll(conclusion);
  }

  watchRolls(name: string, listener: (hint: RollHint) => void): Promise<Unsubscribe> {
    return this.slotFor(name).watchRolls(name, listener);
  }

  onVotesComplete(listener: (votes: VotesComplete) => void): Unsubscribe {
    return all(this.slots.map((slot) => slot.onVotesComplete(listener)));
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
