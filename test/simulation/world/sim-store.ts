import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../../../src/store/entry-operations.js';
import type { FillOutcome, FillRequest, LeaseOutcome, LeaseRequest } from '../../../src/store/fill-operations.js';
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
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../../src/store/lock-operations.js';
import { CacheTxnStore, type Unsubscribe } from '../../../src/store/store.js';
import type { Aliases } from './aliases.js';
import type { Monitor } from './monitor.js';
import { isOfLibrary, nameIn, slotOfName } from './names.js';
import type { MessageOptions, Network } from './network.js';
import type { SimProcess } from './sim-process.js';
import type { SimSlot, Step } from './sim-slot.js';

/** What all processes share. */
export interface Cluster {
  readonly slots: readonly SimSlot[];
  readonly network: Network;
  readonly monitor: Monitor;
  /** Whether a copy may come after the refusal of what it is a copy of has been answered. */
  readonly repeatsRefused: boolean;
  /** The same of a request for a fill token. */
  readonly repeatsLeases: boolean;
  readonly aliases: Aliases;
}

/** Lists of open transactions: more than one, and not in all slots, as in a cluster. */
const LISTS = 2;

/** The store of one process: every operation is a message to a slot, or one to each of several. */
export class SimStore extends CacheTxnStore {
  readonly hasSlots = true;

  constructor(
    protected readonly process: SimProcess,
    private readonly cluster: Cluster,
  ) {
    super();
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  slotOf(_kind: 'entry' | 'lock', key: string): number {
    return slotOfName(key);
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    const caller = { inbox: '', label: this.process.name };
    const step: Step<AcquireOutcome> = ({ locks }, now) => locks.acquire(request, caller, now);
    return this.send(request.names[0], 'acquire', request, step);
  }

  renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    return Promise.all(
      requests.map((request) =>
        this.send(request.name, 'renew', request, ({ locks }, now) => locks.renew(request, now)),
      ),
    );
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.send(request.names[0], 'release', request, ({ locks }, now) => locks.release(request, now));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.send(name, 'force-release', name, ({ locks }, now) => locks.forceRelease(name, fence, now));
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.send(name, 'inspect', name, ({ locks }, now) => locks.inspect(name, now));
  }

  async *listLocks(): AsyncIterable<LockInfo> {}

  /** Nobody waits for a lock in a simulation. */
  onHandover(): Unsubscribe {
    return () => undefined;
  }

  onHandoverGap(): Unsubscribe {
    return () => undefined;
  }

  async readEntries(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    const bySlot = this.cluster.slots.map(({ index }) => keys.filter((key) => slotOfName(key) === index));
    const found = new Map<string, StoredEntry | undefined>();
    await Promise.all(
      bySlot.map(async (some) => {
        if (some.length === 0) return;
        const entries = await this.send(some[0], 'read', some, ({ entries }, now) =>
          some.map((key) => entries.read(key, now)),
        );
        some.forEach((key, i) => found.set(key, entries[i]));
      }),
    );
    return keys.map((key) => found.get(key));
  }

  commit(asked: CommitRequest): Promise<CommitOutcome> {
    const isOwn = isOfLibrary(asked.operations[0]?.key ?? '');
    const request = isOwn ? { ...asked, txnId: this.cluster.aliases.of(asked.txnId) } : asked;
    const txnId = request.operations.every(({ kind }) => kind === 'check') ? '' : request.txnId;
    const step: Step<CommitOutcome> = (slot, now) => this.watched(slot.commit(request, now), txnId);
    return this.send(request.operations[0]?.key, 'commit', request, step, this.unlessRefused);
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    const { txnId, operations } = request;
    return this.send(operations[0]?.key, 'resolve', txnId, (slot, now) => slot.resolve(txnId, now));
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    const list = this.listOf(transaction);
    return this.send(list, 'open', { ...transaction, leftMs }, (_slot, now, space) => {
      this.cluster.monitor.noteListed(transaction.txnId);
      space.openTransaction(transaction, leftMs, now);
    });
  }

  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    const at = request.operations[0]?.key ?? request.guards[0]?.name;
    return this.send(at, 'prepare', request, (slot, now) => slot.prepare(request, now), this.unlessRefused);
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    const step: Step<DecideOutcome> = (slot, now) => this.watched(slot.decide(request, now), request.txnId);
    return this.send(request.operations[0]?.key, 'decide', request, step, this.unlessRefused);
  }

  askDecision(question: DecisionQuestion): Promise<Decision> {
    return this.send(question.decider, 'ask', question, (slot, now) => slot.ask(question, now));
  }

  settle(request: SettleRequest): Promise<void> {
    return this.send(request.keys[0], 'settle', request, (slot, now) => {
      slot.settle(request, now);
    });
  }

  retireDecision(intent: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    const { txnId, decider } = intent;
    return this.send(decider, 'retire', { txnId, keepMs }, (slot, now) => {
      slot.retire(txnId, keepMs, now);
    });
  }

  closeTransaction(transaction: OpenTransaction): Promise<void> {
    return this.send(this.listOf(transaction), 'close', transaction, (_slot, _now, space) => {
      space.closeTransaction(transaction);
    });
  }

  /** Each list is asked; one that does not answer fails the whole, as with Redis. */
  async overdueTransactions(limit: number): Promise<readonly OpenTransaction[]> {
    const found = await Promise.all(
      this.lists.map((list) => this.send(list, 'overdue', undefined, (_slot, now, space) => space.overdue(limit, now))),
    );
    return found.flat();
  }

  async leaseFill(lease: LeaseRequest): Promise<LeaseOutcome> {
    const { aliases } = this.cluster;
    const request = { ...lease, token: aliases.of(lease.token) };
    const step: Step<LeaseOutcome> = ({ entries }, now) => entries.lease(request, now);
    const outcome = await this.send(request.key, 'lease', request, step, this.unlessLeased);
    return outcome.kind === 'busy' ? { ...outcome, token: aliases.idOf(outcome.token) } : outcome;
  }

  fill(filling: FillRequest): Promise<FillOutcome> {
    const request = { ...filling, token: this.cluster.aliases.of(filling.token) };
    return this.send(request.key, 'fill', request, ({ entries }, now) => entries.fill(request, now));
  }

  /** Every such message gets lost in a simulation. */
  onLeaseEnd(): Unsubscribe {
    return () => undefined;
  }

  /** Nobody keeps copies in a simulation. */
  async watchEntries(): Promise<Unsubscribe> {
    return () => undefined;
  }

  /** No participant is on another node in a simulation. */
  lookAsMember(): Promise<never> {
    return Promise.reject(new Error('the simulation has no members'));
  }

  leaveMembers(): Promise<never> {
    return this.lookAsMember();
  }

  callRoll(): Promise<never> {
    return this.lookAsMember();
  }

  readRoll(): Promise<never> {
    return this.lookAsMember();
  }

  answerRoll(): Promise<never> {
    return this.lookAsMember();
  }

  concludeRoll(): Promise<never> {
    return this.lookAsMember();
  }

  watchRolls(): Promise<never> {
    return this.lookAsMember();
  }

  onVotesComplete(): Unsubscribe {
    return () => undefined;
  }

  async identity(): Promise<string> {
    const servers = this.cluster.slots.map((slot) =>
      this.send(nameIn(slot.index, 'identity'), 'identity', undefined, () => slot.runId),
    );
    return (await Promise.all(servers)).join(' ');
  }

  /** Nobody looks on in a simulation. */
  async listTransactions(): Promise<readonly ListedTransaction[]> {
    return [];
  }

  protected send<T>(
    at: string | undefined,
    what: string,
    data: unknown,
    step: Step<T>,
    options?: MessageOptions<T>,
  ): Promise<T> {
    const slot = this.cluster.slots[slotOfName(at ?? '')];
    if (slot === undefined) throw new Error(`${what}: there is no slot for ${at ?? 'nothing'}`);
    return this.cluster.network.send(this.process, slot, what, data, step, options);
  }

  private get lists(): readonly string[] {
    return this.cluster.slots.slice(0, LISTS).map(({ index }) => nameIn(index, 'list'));
  }

  /** Applied, or refused for good: anything else may be different when it comes again. */
  private readonly unlessRefused = {
    isFinal: ({ kind }: { readonly kind: string }): boolean =>
      this.cluster.repeatsRefused || kind === 'prepared' || kind === 'committed' || kind === 'aborted',
  };

  /** A copy that comes later would give the same token again. */
  private readonly unlessLeased = {
    isFinal: ({ kind }: LeaseOutcome): boolean => this.cluster.repeatsLeases || kind !== 'leased',
  };

  private watched<T extends { readonly kind: string }>(outcome: T, txnId: string): T {
    if (outcome.kind === 'committed' && txnId !== '') this.cluster.monitor.noteCommitted(txnId);
    return outcome;
  }

  /** As anywhere: the same for everybody, and no slot in particular. */
  private listOf({ txnId }: OpenTransaction): string {
    let sum = 0;
    for (let i = 0; i < txnId.length; i += 1) sum += txnId.charCodeAt(i);
    return this.lists[sum % LISTS] ?? '';
  }
}
