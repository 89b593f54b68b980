import { InvalidOptionsError, StoreUnavailableError } from '../base/errors.js';
import { shownAs } from '../base/shown-as.js';
import { newId } from '../base/random.js';
import type { EntryListener } from '../store/entry-changes.js';
import type { CommitOutcome, CommitRequest, EntryReadOptions, ResolveOutcome } from '../store/entry-operations.js';
import type { FillOutcome, FillRequest, LeaseEnd, LeaseOutcome, LeaseRequest } from '../store/fill-operations.js';
import type { Intent } from '../store/intent.js';
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
import { EntryBus } from './bus/entry-bus.js';
import { CommandRunner } from './commands/command-runner.js';
import { CommitCommands } from './commands/commit-commands.js';
import {
  anotherListener,
  checkConnectionOptions,
  checkGiven,
  closeClient,
  type Connections,
  createConnections,
  isClusterStore,
} from './connection/connection.js';
import { EntryCommands } from './commands/entry-commands.js';
import { FillCommands } from './commands/fill-commands.js';
import { hashSlot } from '../store/hash-slot.js';
import { Inbox } from './connection/inbox.js';
import { IntentCommands } from './commands/intent-commands.js';
import { KeySketch } from './commands/key-sketch.js';
import { LockCommands } from './commands/lock-commands.js';
import { hintOf, MemberCommands } from './commands/member-commands.js';
import { type RedisStoreOptions, type ResolvedSettings, resolveSettings } from './redis-store.options.js';
import { checkServers, identityOf } from './connection/server-check.js';
import { checkReadReplica, replicaClient } from './replicas/read-replica.js';
import { ReplicaAcknowledgement } from './replicas/replica-acknowledgement.js';
import { ReplicaReads } from './replicas/replica-reads.js';
import { connectWithin } from './connection/start.js';
import { TransactionList } from './commands/transaction-list.js';

/**
 * A store on Redis (7.0 or newer) or Valkey: one server, a Sentinel group, or a Cluster.
 * Nothing connects before the module starts.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function redisStore(options: RedisStoreOptions): CacheTxnStore {
  checkGiven(options);
  return new RedisStore(options);
}

interface Running {
  readonly connections: Connections;
  readonly stopping: AbortController;
  readonly inbox: Inbox;
  readonly bus: EntryBus;
  readonly locks: LockCommands;
  readonly entries: EntryCommands;
  readonly intents: IntentCommands;
  readonly fills: FillCommands;
  readonly members: MemberCommands;
  readonly runner: CommandRunner;
  readonly transactions: TransactionList;
  readonly commits: CommitCommands;
  readonly replicas: ReplicaAcknowledgement | undefined;
  readonly replicaReads: ReplicaReads;
  isChecked: boolean;
}

class RedisStore extends CacheTxnStore {
  private readonly settings: ResolvedSettings;
  private keys = new KeySpace('ctx');
  private running: Running | undefined;
  readonly hasSlots: boolean;

  constructor(private readonly options: RedisStoreOptions) {
    super();
    this.settings = resolveSettings(options);
    this.hasSlots = isClusterStore(options);
    checkConnectionOptions(options);
    checkReadReplica(options);
    if (this.settings.isTracking && this.hasSlots)
      throw new InvalidOptionsError('redisStore.tracking: it is not for a cluster', {
        details: { option: 'tracking' },
      });
  }

  async start(context: StoreContext): Promise<void> {
    if (this.running !== undefined)
      throw new InvalidOptionsError(
        'this Redis store is started already: make one for each module, and close an application before its modules start again',
      );
    this.keys = new KeySpace(context.namespace);
    const connections = createConnections(this.options, this.settings);
    const runner = new CommandRunner(connections.commands, this.settings.commandTimeoutMs);
    const channel = this.keys.inbox(`${context.processLabel}:${newId()}`);
    const inbox = new Inbox(connections.inbox, channel, context.report);
    const slotOf = (serverKey: string): number => this.slotOfServerKey(serverKey);
    const hits = new KeySketch();
    const entries = new EntryCommands(runner, this.keys, hits);
    const intents = new IntentCommands(runner, this.keys, this.hasSlots);
    const replicas =
      this.settings.replicas === 'all'
        ? new ReplicaAcknowledgement(connections.commands, this.keys, this.settings, context.warn)
        : undefined;
    const running: Running = {
      connections,
      stopping: new AbortController(),
      inbox,
      bus: new EntryBus(
        runner,
        inbox,
        connections.inbox,
        this.keys,
        context.report,
        this.settings.isTracking ? () => anotherListener(connections) : undefined,
      ),
      locks: new LockCommands(runner, this.keys, channel, slotOf),
      fills: new FillCommands(runner, this.keys, channel, hits),
      members: new MemberCommands(runner, this.keys, channel),
      runner,
      transactions: new TransactionList(runner, this.keys, this.hasSlots),
      entries,
      intents,
      commits: new CommitCommands(entries, intents, this.keys, replicas),
      replicas,
      replicaReads: new ReplicaReads(
        () => replicaClient(connections.commands, this.options.readReplica),
        this.keys,
        this.settings.commandTimeoutMs,
        context.warn,
      ),
      isChecked: false,
    };
    this.running = running;
    const prepare = async (): Promise<void> => {
      await checkServers(runner, this.settings, context.warn);
      await replicas?.open();
      await runner.run('SUBSCRIBE', () => inbox.open());
      running.isChecked = true;
    };
    try {
      await connectWithin(connections, this.settings, context, prepare, running.stopping.signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running === undefined) return;
    running.stopping.abort(new StoreUnavailableError('the Redis store was stopped'));
    running.replicas?.close();
    running.replicaReads.close();
    running.bus.close();
    for (const connection of new Set([running.connections.commands, running.connections.inbox]))
      closeClient(connection);
  }

  slotOf(kind: 'entry' | 'lock', key: string): number {
    return this.slotOfServerKey(this.keys[kind](key));
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.use(({ locks }) => locks.acquire(request));
  }

  renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    return this.use(({ locks }) => locks.renew(requests));
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.use(({ locks }) => locks.release(request));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.use(({ locks }) => locks.forceRelease(name, fence));
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.use(({ locks }) => locks.inspect(name));
  }

  async *listLocks(pattern: string): AsyncIterable<LockInfo> {
    yield* this.started().locks.list(pattern);
  }

  onHandover(listener: (handover: Handover) => void): Unsubscribe {
    return this.started().inbox.onHandover(listener);
  }

  onHandoverGap(listener: () => void): Unsubscribe {
    return this.started().inbox.onGap(listener);
  }

  readEntries(
    keys: readonly string[],
    { from = 'primary', withTimeLeft = false }: EntryReadOptions = {},
  ): Promise<readonly (StoredEntry | undefined)[]> {
    if (from === 'primary')
      return this.use(({ entries }) => (withTimeLeft ? entries.readWithTimeLeft(keys) : entries.read(keys)));
    return this.use(async ({ entries, replicaReads }) => (await replicaReads.read(keys)) ?? entries.read(keys));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.use(({ commits }) => commits.commit(request));
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.use(({ commits }) => commits.resolve(request));
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    return this.use(({ intents }) => intents.open(transaction, leftMs));
  }

  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    return this.use(({ commits }) => commits.prepare(request));
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.use(({ commits }) => commits.decide(request));
  }

  askDecision(question: DecisionQuestion): Promise<Decision> {
    return this.use(({ intents }) => intents.ask(question));
  }

  settle(request: SettleRequest): Promise<void> {
    return this.use(({ commits }) => commits.settle(request));
  }

  retireDecision(intent: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    return this.use(({ intents }) => intents.retire(intent, keepMs));
  }

  closeTransaction(transaction: OpenTransaction): Promise<void> {
    return this.use(({ intents }) => intents.close(transaction));
  }

  overdueTransactions(limit: number): Promise<readonly OpenTransaction[]> {
    return this.use(({ intents }) => intents.overdue(limit));
  }

  leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
    return this.use(({ fills }) => fills.lease(request));
  }

  fill(request: FillRequest): Promise<FillOutcome> {
    return this.use(({ fills }) => fills.fill(request));
  }

  onLeaseEnd(listener: (ended: LeaseEnd) => void): Unsubscribe {
    return this.running?.inbox.onLeaseEnd(listener) ?? (() => undefined);
  }

  watchEntries(listener: EntryListener): Promise<Unsubscribe> {
    return this.use(({ bus }) => bus.add(listener));
  }

  identity(): Promise<string> {
    return this.use(({ runner }) => identityOf(runner));
  }

  listTransactions(limit: number): Promise<readonly ListedTransaction[]> {
    return this.use(({ transactions }) => transactions.list(limit));
  }

  lookAsMember(look: MemberLook): Promise<MemberOutcome> {
    return this.use(({ members }) => members.look(look));
  }

  leaveMembers(name: string, node: string): Promise<void> {
    return this.use(({ members }) => members.leave(name, node));
  }

  callRoll(call: RollCall): Promise<RollCallOutcome> {
    return this.use(({ members }) => members.call(call));
  }

  readRoll(name: string, txnId: string): Promise<RollState> {
    return this.use(({ members }) => members.read(name, txnId));
  }

  answerRoll(answer: MemberAnswer): Promise<AnswerOutcome> {
    return this.use(({ members }) => members.answer(answer));
  }

  concludeRoll(conclusion: RollConclusion): Promise<RollOutcome> {
    return this.use(({ members }) => members.conclude(conclusion));
  }

  watchRolls(name: string, listener: (hint: RollHint) => void): Promise<Unsubscribe> {
    return this.use(async ({ inbox, runner }) => {
      const hear = (message: string): void => {
        const hint = hintOf(message);
        if (hint !== undefined) listener(hint);
      };
      const channel = this.keys.rollChannel(name);
      const unlisten = await runner.run('SUBSCRIBE', () => inbox.listen(channel, hear));
      const ignoreGaps = inbox.onGap(() => listener({ kind: 'look' }));
      return () => {
        unlisten();
        ignoreGaps();
      };
    });
  }

  onVotesComplete(listener: (votes: VotesComplete) => void): Unsubscribe {
    return this.started().inbox.onVotesComplete(listener);
  }

  private use<T>(operation: (running: Running) => Promise<T>): Promise<T> {
    const { running } = this;
    if (running?.isChecked) return operation(running);
    return Promise.reject(
      running === undefined
        ? notRunning()
        : new StoreUnavailableError('Redis has not answered since the start; the operation was not sent'),
    );
  }

  private started(): Running {
    if (this.running === undefined) throw notRunning();
    return this.running;
  }

  private slotOfServerKey(serverKey: string): number {
    return this.hasSlots ? hashSlot(serverKey) : 0;
  }
}

function notRunning(): StoreUnavailableError {
  return new StoreUnavailableError('the Redis store is not running: it was not started, or it was stopped');
}

shownAs(RedisStore, () => ({}));
