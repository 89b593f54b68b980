import { InvalidOptionsError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { shownAs } from '../base/shown-as.js';
import type { EntryListener } from '../store/entry-changes.js';
import type { CommitOutcome, CommitRequest, EntryReadOptions, ResolveOutcome } from '../store/entry-operations.js';
import { hashSlot } from '../store/hash-slot.js';
import type { FillOutcome, FillRequest, LeaseEnd, LeaseOutcome, LeaseRequest } from '../store/fill-operations.js';
import { DATABASE_DECIDES, type Intent } from '../store/intent.js';
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
} from '../store/intent-operations.js';
import { KeySpace } from '../store/key-space.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../store/lock-operations.js';
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
} from '../store/member-operations.js';
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../store/store.js';
import { fitsGlob } from './glob.js';
import type { Caller } from './lock-state.js';
import { MemoryBackend, type MemoryBackendOptions } from './memory-backend.js';
import type { MemorySlot } from './memory-slot.js';
import type { MemorySpace } from './memory-space.js';
import type { Instant } from './server-time.js';

/** Settings of an embedded server of its own, or the one shared with other stores. */
export type MemoryStoreOptions = MemoryBackendOptions | { readonly backend: MemoryBackend };

/**
 * A store inside this process: nothing to install, nothing survives the process. It keeps every rule the Redis store
 * keeps and is the model that store is tested against.
 *
 * One object belongs to one module at a time; after `stop` it may be started again and has its data still. Several
 * modules share data through one {@link MemoryBackend}.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function memoryStore(options: MemoryStoreOptions = {}): CacheTxnStore {
  return new MemoryStore('backend' in options ? options.backend : new MemoryBackend(options));
}

/** Before the start, when nothing is stored yet. */
const UNPREFIXED = new KeySpace('ctx');

/** What exists between `start` and `stop`. */
interface Session {
  readonly report: ErrorSink;
  readonly keys: KeySpace;
  readonly space: MemorySpace;
  readonly caller: Caller;
  readonly closeInbox: Unsubscribe;
}

class MemoryStore extends CacheTxnStore {
  private session: Session | undefined;
  private readonly listeners = new Set<(handover: Handover) => void>();
  private readonly leaseListeners = new Set<(ended: LeaseEnd) => void>();

  constructor(private readonly backend: MemoryBackend) {
    super();
  }

  async start({ namespace, processLabel, report }: StoreContext): Promise<void> {
    if (this.session !== undefined) {
      throw new InvalidOptionsError(
        'this memoryStore() object is started already; give each module its own, and share data with memoryStore({ backend })',
        { details: { option: 'store', namespace } },
      );
    }
    const keys = new KeySpace(namespace);
    const { inbox, close } = this.backend.openInbox({
      handedOver: (handover) => {
        tellAll(this.listeners, handover, (error) => {
          report(error, { during: 'hand-over listener', details: { name: handover.name } });
        });
      },
      leaseEnded: (ended) => {
        tellAll(this.leaseListeners, ended, (error) => {
          report(error, { during: 'lease listener' });
        });
      },
    });
    const space = this.backend.space(namespace);
    this.session = { report, keys, space, caller: { inbox, label: processLabel }, closeInbox: close };
  }

  async stop(): Promise<void> {
    this.session?.closeInbox();
    this.session = undefined;
  }

  get hasSlots(): boolean {
    return this.backend.slots > 1;
  }

  slotOf(kind: 'entry' | 'lock', key: string): number {
    const { slots } = this.backend;
    return slots === 1 ? 0 : hashSlot((this.session?.keys ?? UNPREFIXED)[kind](key)) % slots;
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.inSlot('lock', request.names[0], ({ locks }, now, { caller }) => locks.acquire(request, caller, now));
  }

  renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    return this.step((session, now) =>
      requests.map((request) => this.slotIn(session, 'lock', request.name).locks.renew(request, now)),
    );
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.inSlot('lock', request.names[0], ({ locks }, now) => locks.release(request, now));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.inSlot('lock', name, ({ locks }, now) => locks.forceRelease(name, fence, now));
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.inSlot('lock', name, ({ locks }, now) => locks.inspect(name, now));
  }

  async *listLocks(pattern: string): AsyncIterable<LockInfo> {
    const names = await this.step(({ space }) => space.slots.flatMap(({ locks }) => locks.names()));
    for (const name of names) {
      if (!fitsGlob(name, pattern)) continue;
      const info = await this.inspectLock(name);
      if (info !== null) yield info;
    }
  }

  onHandover(listener: (handover: Handover) => void): Unsubscribe {
    return added(this.listeners, listener);
  }

  /** Never calls: inside one process no hint is lost. */
  onHandoverGap(): Unsubscribe {
    return () => undefined;
  }

  readEntries(
    keys: readonly string[],
    { withTimeLeft = false }: EntryReadOptions = {},
  ): Promise<readonly (StoredEntry | undefined)[]> {
    return this.step((session, now) =>
      keys.map((key) => {
        const { entries } = this.slotIn(session, 'entry', key);
        const entry = entries.read(key, now);
        return entry === undefined || !withTimeLeft ? entry : { ...entry, leftMs: entries.leftMsOf(key, now) };
      }),
    );
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.inSlot('entry', request.operations[0]?.key, (slot, now) => slot.commit(request, now));
  }

  resolveCommit({ txnId, operations }: CommitRequest): Promise<ResolveOutcome> {
    return this.inSlot('entry', operations[0]?.key, (slot, now) => slot.resolve(txnId, now));
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    return this.step(({ space }, now) => {
      space.openTransaction(transaction, leftMs, now);
    });
  }

  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    const [operation] = request.operations;
    return operation
      ? this.inSlot('entry', operation.key, (slot, now) => slot.prepare(request, now))
      : this.inSlot('lock', request.guards[0]?.name, (slot, now) => slot.prepare(request, now));
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.inSlot('entry', request.operations[0]?.key, (slot, now) => slot.decide(request, now));
  }

  askDecision(question: DecisionQuestion): Promise<Decision> {
    return this.inSlot('entry', question.decider, (slot, now) => slot.ask(question, now));
  }

  settle(request: SettleRequest): Promise<void> {
    return this.inSlot('entry', request.keys[0], (slot, now) => {
      slot.settle(request, now);
    });
  }

  retireDecision({ txnId, decider }: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    return this.inSlot('entry', decider, (slot, now) => {
      slot.retire(txnId, keepMs, now);
    });
  }

  closeTransaction(transaction: OpenTransaction): Promise<void> {
    return this.step(({ space }) => {
      space.closeTransaction(transaction);
    });
  }

  overdueTransactions(limit: number): Promise<readonly OpenTransaction[]> {
    return this.step(({ space }, now) => space.overdue(limit, now));
  }

  leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
    return this.inSlot('entry', request.key, ({ entries }, now, { caller }) =>
      entries.lease(request, now, caller.inbox),
    );
  }

  fill(request: FillRequest): Promise<FillOutcome> {
    return this.inSlot('entry', request.key, ({ entries }, now) => entries.fill(request, now));
  }

  onLeaseEnd(listener: (ended: LeaseEnd) => void): Unsubscribe {
    return added(this.leaseListeners, listener);
  }

  /** Calls within the operation that writes, when it is done; neither `gap` nor `down` ever. */
  watchEntries(listener: EntryListener): Promise<Unsubscribe> {
    return this.step((session) =>
      session.space.entryWatchers.watch((change) => {
        if (this.session !== session) return;
        try {
          listener.changed(change);
        } catch (error) {
          session.report(error, { during: 'entry listener', details: { key: change.key } });
        }
      }),
    );
  }

  /** The same as long as the process lives: nothing here is ever lost and comes back older. */
  identity(): Promise<string> {
    return this.step(() => 'memory');
  }

  listTransactions(limit: number): Promise<readonly ListedTransaction[]> {
    return this.step((session, now) => {
      const decisionOf = ({ txnId, keys: [key = ''], decider }: OpenTransaction): ListedTransaction['decision'] =>
        decider === DATABASE_DECIDES ? 'database' : this.slotIn(session, 'entry', key).decisionOf(txnId, now);
      return session.space.list(limit, decisionOf, now);
    });
  }

  lookAsMember(look: MemberLook): Promise<MemberOutcome> {
    return this.step(({ space }, now) => space.rolls(look.name).look(look, now));
  }

  leaveMembers(name: string, node: string): Promise<void> {
    return this.step(({ space }, now) => {
      space.rolls(name).leave(node, now);
    });
  }

  callRoll(call: RollCall): Promise<RollCallOutcome> {
    return this.step(({ space, caller }, now) => space.rolls(call.name).call(call, caller.inbox, now));
  }

  readRoll(name: string, txnId: string): Promise<RollState> {
    return this.step(({ space }, now) => space.rolls(name).read(txnId, now));
  }

  answerRoll(answer: MemberAnswer): Promise<AnswerOutcome> {
    return this.step(({ space }) => space.rolls(answer.name).answer(answer));
  }

  concludeRoll(conclusion: RollConclusion): Promise<RollOutcome> {
    return this.step(({ space }, now) => space.rolls(conclusion.name).conclude(conclusion, now));
  }

  watchRolls(name: string, listener: (hint: RollHint) => void): Promise<Unsubscribe> {
    return this.step((session) => {
      const unwatch = session.space.rolls(name).watch((hint) => {
        if (this.session === session) listener(hint);
      });
      return unwatch;
    });
  }

  onVotesComplete(listener: (votes: VotesComplete) => void): Unsubscribe {
    const { session } = this;
    if (session === undefined) throw new StoreUnavailableError('the memory store is not started, or stopped already');
    return session.space.onVotesComplete(session.caller.inbox, listener);
  }

  private inSlot<T>(
    kind: 'entry' | 'lock',
    key: string | undefined,
    operation: (slot: MemorySlot, now: Instant, session: Session) => T,
  ): Promise<T> {
    return this.step((session, now) => operation(this.slotIn(session, kind, key ?? ''), now, session));
  }

  private slotIn({ space }: Session, kind: 'entry' | 'lock', key: string): MemorySlot {
    return space.slot(this.slotOf(kind, key));
  }

  /** Runs one operation in one step, at one instant, before it returns; what it throws becomes a rejection. */
  private async step<T>(operation: (session: Session, now: Instant) => T): Promise<T> {
    const { session } = this;
    if (session === undefined) {
      throw new StoreUnavailableError('the memory store is not started, or stopped already');
    }
    const outcome = operation(session, this.backend.tick());
    session.space.entryWatchers.tell();
    return outcome;
  }
}

function added<T>(listeners: Set<(news: T) => void>, listener: (news: T) => void): Unsubscribe {
  // A wrapper of its own, so that a listener given twice is called twice and ends twice.
  const entry = (news: T): void => {
    listener(news);
  };
  listeners.add(entry);
  return () => {
    listeners.delete(entry);
  };
}

/** Each hears it, also when another one fails. */
function tellAll<T>(listeners: ReadonlySet<(news: T) => void>, news: T, failed: (error: unknown) => void): void {
  for (const listener of [...listeners]) {
    try {
      listener(news);
    } catch (error) {
      failed(error);
    }
  }
}

shownAs(MemoryStore, () => ({}));
