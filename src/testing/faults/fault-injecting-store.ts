import { type Clock, systemClock } from '../../base/clock.js';
import { InvalidOptionsError } from '../../base/errors.js';
import { systemRandom } from '../../base/random.js';
import type { EntryListener } from '../../store/entry-changes.js';
import type { CommitOutcome, CommitRequest, EntryReadOptions, ResolveOutcome } from '../../store/entry-operations.js';
import type { FillOutcome, FillRequest, LeaseEnd, LeaseOutcome, LeaseRequest } from '../../store/fill-operations.js';
import type { Intent } from '../../store/intent.js';
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
} from '../../store/intent-operations.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../store/lock-operations.js';
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
} from '../../store/member-operations.js';
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../../store/store.js';
import type { ValueCodec } from '../../cache/codec/value-codec.js';
import { CommitLog, type CommittedWrite } from '../commit-log.js';
import { MAX_SEED, seededRandom } from '../seeded-random.js';
import { Disturbance, isInjected } from './disturbance.js';
import type { Fault, StoreOperation } from './fault.js';
import { FaultPlan, type FaultRates, type FaultTarget, type RandomFaultOptions } from './fault-plan.js';
import type { StoreCall } from './store-journal.js';

/** Settings of a {@link FaultInjectingStore}. */
export interface FaultInjectingStoreOptions {
  /** Measures delays. Default: real time. */
  readonly clock?: Clock;
  /** Decides random faults; 0 to 2^32 - 1. Default: drawn by chance, see {@link FaultInjectingStore.seed}. */
  readonly seed?: number;
  /** Where committed writes are noted; stores that play the nodes of one test share one. Default: one of its own. */
  readonly commits?: CommitLog;
}

/**
 * Any store, with faults on the way to it: single ones (`next`), standing ones (`always`) and random ones from a seed
 * (`randomly`). What runs, runs at the wrapped store with all its rules.
 *
 * It notes every call and every committed write. Nothing is disturbed until the test asks for it.
 */
export class FaultInjectingStore extends CacheTxnStore {
  /** What random faults come from: the same seed and the same calls meet the same faults. Every injected error names it. */
  readonly seed: number;
  private readonly plan: FaultPlan;
  private readonly disturbance: Disturbance;
  private readonly log: CommitLog;
  private readonly handoverListeners = new Set<{ readonly hear: (handover: Handover) => void }>();
  private readonly gapListeners = new Set<{ readonly hear: () => void }>();
  private readonly entryListeners = new Set<{ readonly listener: EntryListener }>();
  private subscriptions: readonly Unsubscribe[] = [];
  private context: StoreContext | undefined;

  /** @throws InvalidOptionsError `INVALID_OPTIONS` for a seed that is none */
  constructor(
    /** The wrapped store, which no fault reaches. */
    readonly inner: CacheTxnStore,
    { clock = systemClock, seed = Math.floor(systemRandom() * MAX_SEED), commits }: FaultInjectingStoreOptions = {},
  ) {
    super();
    if (!Number.isSafeInteger(seed) || seed < 0 || seed > MAX_SEED)
      throw new InvalidOptionsError(`seed: ${seed} must be a whole number from 0 to ${MAX_SEED}`, {
        details: { option: 'seed' },
      });
    this.seed = seed;
    this.plan = new FaultPlan(seededRandom(seed));
    this.disturbance = new Disturbance(this.plan, clock, seed);
    this.log = commits ?? new CommitLog();
  }

  /**
   * How the values of later commits are read.
   * @internal
   */
  readWith(codec: ValueCodec): void {
    this.log.readWith(codec);
  }

  /**
   * The next calls of the operation meet these faults, one each, in order; the ones after them run as usual.
   * @throws InvalidOptionsError `INVALID_OPTIONS`
   */
  next(operation: FaultTarget, ...faults: readonly Fault[]): void {
    this.plan.next(operation, faults);
  }

  /**
   * Every call of the operation meets this fault, until it is set to undefined: `always('*', 'refuse')` is a store that
   * is away.
   * @throws InvalidOptionsError `INVALID_OPTIONS`
   */
  always(operation: FaultTarget, fault: Fault | undefined): void {
    this.plan.always(operation, fault);
  }

  /**
   * Calls that meet no fault of {@link next} or {@link always} meet these by chance, decided by the {@link seed}.
   * @throws InvalidOptionsError `INVALID_OPTIONS` unless the rates are probabilities, together at most 1
   */
  randomly(rates: FaultRates, options: RandomFaultOptions = {}): void {
    this.plan.randomly(rates, options);
  }

  /** No more faults. What is on its way stays on its way. */
  clear(): void {
    this.plan.clear();
  }

  /** Late requests and copies that are still on their way arrive, in the order in which they were sent. */
  arrive(): Promise<void> {
    return this.disturbance.late.arriveAll();
  }

  /** Late requests and copies that are still on their way. */
  get underway(): number {
    return this.disturbance.late.count;
  }

  /** Tells the waiters of this process, and its watchers of entries, that messages may have been lost, as after a cut subscription. */
  gap(): void {
    for (const listener of [...this.gapListeners]) listener.hear();
    this.tellWatchers('gap', (listener) => listener.gap());
  }

  /** Tells the watchers of entries that nothing is heard from now on, until {@link gap}. Losing the messages is another fault. */
  down(): void {
    this.tellWatchers('down', (listener) => listener.down());
  }

  /** Every call, in order, with its fault and how often it ran. */
  get journal(): readonly StoreCall[] {
    return this.disturbance.journal.calls;
  }

  /** What was written in the namespace of this store, in the order of the commits. */
  get committedWrites(): readonly CommittedWrite[] {
    return this.log.writes.filter(({ namespace }) => namespace === this.context?.namespace);
  }

  /** Empties the journal and the committed writes, so that what a test prepared is not in its way. */
  forget(): void {
    this.disturbance.journal.forget();
    this.log.forget();
  }

  /** The seed, and one line for each call that met a fault; no values and no tokens. */
  override toString(): string {
    return `faults with seed ${this.seed}:\n${this.disturbance.journal.toString() || 'none'}`;
  }

  start(context: StoreContext): Promise<void> {
    return this.play('start', context.namespace, async () => {
      await this.inner.start(context);
      this.context = context;
      this.subscriptions = [
        this.inner.onHandover((handover) => this.hear(handover)),
        this.inner.onHandoverGap(() => this.gap()),
      ];
    });
  }

  /** What is still on its way is lost. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.subscriptions) unsubscribe();
    this.subscriptions = [];
    this.disturbance.late.lose();
    await this.inner.stop();
  }

  get hasSlots(): boolean {
    return this.inner.hasSlots;
  }

  slotOf(kind: 'entry' | 'lock', key: string): number {
    return this.inner.slotOf(kind, key);
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.play('acquireLocks', request, () => this.inner.acquireLocks(request));
  }

  async renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    try {
      return await this.play('renewLocks', requests, () => this.inner.renewLocks(requests));
    } catch (error) {
      // The port answers this where other operations throw.
      if (isInjected(error)) return requests.map(() => 'unknown');
      throw error;
    }
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.play('releaseLocks', request, () => this.inner.releaseLocks(request));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.play('forceReleaseLock', name, () => this.inner.forceReleaseLock(name, fence));
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.play('inspectLock', name, () => this.inner.inspectLock(name));
  }

  async *listLocks(pattern: string): AsyncIterable<LockInfo> {
    yield* await this.play('listLocks', pattern, async () => this.inner.listLocks(pattern));
  }

  onHandover(listener: (handover: Handover) => void): Unsubscribe {
    // A wrapper of its own, so that a listener given twice is called twice and ends twice.
    return added(this.handoverListeners, { hear: listener });
  }

  onHandoverGap(listener: () => void): Unsubscribe {
    return added(this.gapListeners, { hear: listener });
  }

  readEntries(keys: readonly string[], options?: EntryReadOptions): Promise<readonly (StoredEntry | undefined)[]> {
    return this.play('readEntries', keys, () => this.inner.readEntries(keys, options));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.play('commit', request, async () => this.noted(request, await this.inner.commit(request)));
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.play('resolveCommit', request, async () =>
      this.noted(request, await this.inner.resolveCommit(request)),
    );
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    return this.play('openTransaction', transaction, () => this.inner.openTransaction(transaction, leftMs));
  }

  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    return this.play('prepare', request, async () => {
      const outcome = await this.inner.prepare(request);
      if (outcome.kind === 'prepared') this.log.prepare(request, outcome.versions);
      return outcome;
    });
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.play('decide', request, async () => {
      const outcome = await this.inner.decide(request);
      if (outcome.kind === 'committed') this.log.recordPrepared(this.context?.namespace ?? '', request.txnId);
      return outcome;
    });
  }

  askDecision(question: DecisionQuestion): Promise<Decision> {
    return this.play('askDecision', question, () => this.inner.askDecision(question));
  }

  settle(request: SettleRequest): Promise<void> {
    return this.play('settle', request, async () => {
      await this.inner.settle(request);
      // Where a database decides, this is the first that the store hears of it.
      if (request.verdict === 'published') this.log.recordPrepared(this.context?.namespace ?? '', request.txnId);
    });
  }

  retireDecision(intent: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    return this.play('retireDecision', intent, () => this.inner.retireDecision(intent, keepMs));
  }

  closeTransaction(transaction: OpenTransaction): Promise<void> {
    return this.play('closeTransaction', transaction, () => this.inner.closeTransaction(transaction));
  }

  overdueTransactions(limit: number): Promise<readonly OpenTransaction[]> {
    return this.play('overdueTransactions', limit, () => this.inner.overdueTransactions(limit));
  }

  leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
    return this.play('leaseFill', request, () => this.inner.leaseFill(request));
  }

  fill(request: FillRequest): Promise<FillOutcome> {
    return this.play('fill', request, () => this.inner.fill(request));
  }

  onLeaseEnd(listener: (ended: LeaseEnd) => void): Unsubscribe {
    return this.inner.onLeaseEnd((ended) => {
      this.whisper(ended, () => {
        listener(ended);
      });
    });
  }

  async watchEntries(listener: EntryListener): Promise<Unsubscribe> {
    const entry = { listener };
    const unwatch = await this.inner.watchEntries({
      changed: (change) => {
        const run = async (): Promise<void> => {
          if (this.entryListeners.has(entry)) listener.changed(change);
        };
        this.play('change', change, run).catch((error: unknown) => this.reportListener(error, change.key));
      },
      gap: () => listener.gap(),
      down: () => listener.down(),
    });
    this.entryListeners.add(entry);
    return () => {
      this.entryListeners.delete(entry);
      unwatch();
    };
  }

  identity(): Promise<string> {
    return this.play('identity', undefined, () => this.inner.identity());
  }

  listTransactions(limit: number): Promise<readonly ListedTransaction[]> {
    return this.play('listTransactions', limit, () => this.inner.listTransactions(limit));
  }

  lookAsMember(look: MemberLook): Promise<MemberOutcome> {
    return this.play('lookAsMember', look, () => this.inner.lookAsMember(look));
  }

  leaveMembers(name: string, node: string): Promise<void> {
    return this.play('leaveMembers', name, () => this.inner.leaveMembers(name, node));
  }

  callRoll(call: RollCall): Promise<RollCallOutcome> {
    return this.play('callRoll', call, () => this.inner.callRoll(call));
  }

  readRoll(name: string, txnId: string): Promise<RollState> {
    return this.play('readRoll', txnId, () => this.inner.readRoll(name, txnId));
  }

  answerRoll(answer: MemberAnswer): Promise<AnswerOutcome> {
    return this.play('answerRoll', answer, () => this.inner.answerRoll(answer));
  }

  concludeRoll(conclusion: RollConclusion): Promise<RollOutcome> {
    return this.play('concludeRoll', conclusion, () => this.inner.concludeRoll(conclusion));
  }

  watchRolls(name: string, listener: (hint: RollHint) => void): Promise<Unsubscribe> {
    return this.inner.watchRolls(name, (hint) => {
      this.whisper(hint, () => {
        listener(hint);
      });
    });
  }

  onVotesComplete(listener: (votes: VotesComplete) => void): Unsubscribe {
    return this.inner.onVotesComplete((votes) => {
      this.whisper(votes, () => {
        listener(votes);
      });
    });
  }

  /** A hint that meets a fault is lost, late or repeated. */
  private whisper(hint: unknown, run: () => void): void {
    this.play('hint', hint, async () => {
      run();
    }).catch(() => undefined);
  }

  private play<T>(operation: StoreOperation, request: unknown, run: () => Promise<T>): Promise<T> {
    return this.disturbance.play(operation, request, run);
  }

  private noted<T extends CommitOutcome | ResolveOutcome>(request: CommitRequest, outcome: T): T {
    if (outcome.kind === 'committed') this.log.record(this.context?.namespace ?? '', request, outcome.versions);
    return outcome;
  }

  private tellWatchers(what: string, tell: (listener: EntryListener) => void): void {
    for (const { listener } of [...this.entryListeners]) {
      try {
        tell(listener);
      } catch (error) {
        this.reportListener(error, what);
      }
    }
  }

  /** A fault loses the message, and nobody hears of it; a listener that throws is reported. */
  private reportListener(error: unknown, what: string): void {
    if (!isInjected(error)) this.context?.report(error, { during: 'entry listener', details: { what } });
  }

  private hear(handover: Handover): void {
    this.play('handover', handover, async () => {
      for (const listener of [...this.handoverListeners]) listener.hear(handover);
    }).catch((error: unknown) => {
      // A fault loses the message, and nobody hears of it; a listener that throws is reported.
      if (!isInjected(error))
        this.context?.report(error, { during: 'hand-over listener', details: { name: handover.name } });
    });
  }
}

function added<T>(set: Set<T>, entry: T): Unsubscribe {
  set.add(entry);
  return () => {
    set.delete(entry);
  };
}
