import type { ErrorSink } from '../base/error-sink.js';
import type { EntryListener } from './entry-changes.js';
import type { CommitRequest, CommitOutcome, EntryReadOptions, ResolveOutcome } from './entry-operations.js';
import type { FillOutcome, FillRequest, LeaseEnd, LeaseOutcome, LeaseRequest } from './fill-operations.js';
import type { Intent } from './intent.js';
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
} from './intent-operations.js';
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
} from './member-operations.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from './lock-operations.js';

/** What the module tells a store when it starts it. */
export interface StoreContext {
  /** Prefix of every key and channel. */
  readonly namespace: string;
  /** Label of this process, shown as the owner of its locks; not a secret and not an identity. */
  readonly processLabel: string;
  /** Takes errors that belong to no call. */
  readonly report: ErrorSink;
  /** Takes one line for the log that deserves attention, such as a risky server setting. */
  readonly warn: (message: string) => void;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/**
 * The port between the services and whatever keeps locks and entries; also the injection token of the store.
 *
 * A store speaks in whole operations. Expected outcomes are returned unions; only infrastructure failures throw:
 * `StoreUnavailableError` when the operation surely did not run, `StoreTimeoutError` when that is unknown,
 * `StoreReplyError` when the stored data are not ours. Third-party stores prove themselves with the conformance cases
 * of `nestjs-cache-txn/testing`.
 */
export abstract class CacheTxnStore {
  /** Connects, checks the server, subscribes. Called once, before any operation. */
  abstract start(context: StoreContext): Promise<void>;
  /** Closes what `start` opened. Idempotent. */
  abstract stop(): Promise<void>;

  /** Whether keys live in more than one slot, so that a transaction may need several. */
  abstract readonly hasSlots: boolean;
  /** The atomic unit a key belongs to. Entries and locks with the same number can meet in one operation. */
  abstract slotOf(kind: 'entry' | 'lock', key: string): number;

  abstract acquireLocks(request: AcquireRequest): Promise<AcquireOutcome>;
  /**
   * One outcome per request, in order. Names may live in any slots; takes as few calls as slots and batches allow.
   * A slot that does not answer makes its own requests `unknown` and leaves the others alone.
   */
  abstract renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]>;
  abstract releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome>;
  /** Takes the lock from its holder, whoever it is, and hands it on. With `fence`, only from that holder. */
  abstract forceReleaseLock(name: string, fence?: number): Promise<boolean>;
  abstract inspectLock(name: string): Promise<LockInfo | null>;
  /** Held locks whose name fits the glob `pattern` (`*` and `?`); not a snapshot. */
  abstract listLocks(pattern: string): AsyncIterable<LockInfo>;
  /** Calls `listener` for every hand-over to a waiter of this process. */
  abstract onHandover(listener: (handover: Handover) => void): Unsubscribe;
  /** Calls `listener` when hints may have been lost (the subscription came back): every waiter should ask again. */
  abstract onHandoverGap(listener: () => void): Unsubscribe;

  /** One result per key, in order, in one round trip per slot group. Not a snapshot across keys. */
  abstract readEntries(
    keys: readonly string[],
    options?: EntryReadOptions,
  ): Promise<readonly (StoredEntry | undefined)[]>;
  /** All operations and guards in one slot: applies all or none. */
  abstract commit(request: CommitRequest): Promise<CommitOutcome>;
  /** Settles a commit whose answer was lost. Takes the request as it was sent. */
  abstract resolveCommit(request: CommitRequest): Promise<ResolveOutcome>;

  /** Notes a transaction of several slots as on its way; it is overdue after `leftMs`, by the server's time. */
  abstract openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void>;
  /** All writes of a slot wait as intents, or none does. */
  abstract prepare(request: PrepareRequest): Promise<PrepareOutcome>;
  /** Commits a transaction that every slot has prepared. */
  abstract decide(request: DecideRequest): Promise<DecideOutcome>;
  /** What became of the transaction; it becomes `aborted` when the slot decides, nothing is decided and the deadline has passed. */
  abstract askDecision(question: DecisionQuestion): Promise<Decision>;
  abstract settle(request: SettleRequest): Promise<void>;
  /** Every slot has settled the transaction: its decision, or that it was aborted, may be forgotten after `keepMs`. */
  abstract retireDecision(intent: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void>;
  /** The value of a key, or leave to fill it (protocol section 5). */
  abstract leaseFill(request: LeaseRequest): Promise<LeaseOutcome>;
  /** Publishes a loaded value if nothing has happened to the key since its lease (protocol I3). */
  abstract fill(request: FillRequest): Promise<FillOutcome>;
  /** Calls `listener` when a lease has ended whose end this process asked to be told; never while the store does not run. */
  abstract onLeaseEnd(listener: (ended: LeaseEnd) => void): Unsubscribe;
  /**
   * Tells `listener` of every entry that is written from now on, by whatever process, until the subscription is ended.
   * A store that can lose messages tells it that too: within seconds, however silently they are lost.
   */
  abstract watchEntries(listener: EntryListener): Promise<Unsubscribe>;

  /** Who keeps the data: another text after every restart and failover that may have lost some of them. */
  abstract identity(): Promise<string>;

  /** Nothing is left of the transaction. */
  abstract closeTransaction(transaction: OpenTransaction): Promise<void>;
  /** Transactions that should have been closed by now, those overdue for longest before others, at most `limit` or a little more. */
  abstract overdueTransactions(limit: number): Promise<readonly OpenTransaction[]>;
  /** Transactions on their way, overdue or not, in the same order and number; changes nothing. Fails when a part of the list does not answer. */
  abstract listTransactions(limit: number): Promise<readonly ListedTransaction[]>;

  /** Renews the lease of a member, or makes it one, and tells what is asked of it. Members whose lease has ended are none any more. */
  abstract lookAsMember(look: MemberLook): Promise<MemberOutcome>;
  /** Nobody waits for this node any more. */
  abstract leaveMembers(name: string, node: string): Promise<void>;
  /** Asks all members of a name to vote, and tells them so. */
  abstract callRoll(call: RollCall): Promise<RollCallOutcome>;
  /** How far the voting is. */
  abstract readRoll(name: string, txnId: string): Promise<RollState>;
  abstract answerRoll(answer: MemberAnswer): Promise<AnswerOutcome>;
  /** Notes how a transaction ended, unless that is known, tells the members, and answers what is noted. */
  abstract concludeRoll(conclusion: RollConclusion): Promise<RollOutcome>;
  /** Calls `listener` for every hint to the members of a name. After a gap, one to look. */
  abstract watchRolls(name: string, listener: (hint: RollHint) => void): Promise<Unsubscribe>;
  /** Calls `listener` when the voting on a transaction of this process has come to an end. */
  abstract onVotesComplete(listener: (votes: VotesComplete) => void): Unsubscribe;
}
