import { InvalidOptionsError, StoreUnavailableError } from '../base/errors.js';
import { shownAs } from '../base/shown-as.js';
import { newId } from '../base/random.js';
import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../store/entry-operations.js';
import type { Intent } from '../store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
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
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../store/store.js';
import { CommandRunner } from './command-runner.js';
import {
  checkConnectionOptions,
  checkGiven,
  closeClient,
  type Connections,
  createConnections,
  isClusterStore,
} from './connection.js';
import { EntryCommands } from './entry-commands.js';
import { hashSlot } from '../store/hash-slot.js';
import { Inbox } from './inbox.js';
import { IntentCommands } from './intent-commands.js';
import { LockCommands } from './lock-commands.js';
import { type RedisStoreOptions, type ResolvedSettings, resolveSettings } from './redis-store.options.js';
import { checkServers } from './server-check.js';
import { connectWithin } from './start.js';

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
  readonly locks: LockCommands;
  readonly entries: EntryCommands;
  readonly intents: IntentCommands;
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
    const running: Running = {
      connections,
      stopping: new AbortController(),
      inbox,
      locks: new LockCommands(runner, this.keys, channel, slotOf),
      entries: new EntryCommands(runner, this.keys),
      intents: new IntentCommands(runner, this.keys, this.hasSlots),
      isChecked: false,
    };
    this.running = running;
    const prepare = async (): Promise<void> => {
      await checkServers(runner, this.settings, context.warn);
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

  readEntries(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    return this.use(({ entries }) => entries.read(keys));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.use(({ entries }) => entries.commit(request));
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.use(({ entries }) => entries.resolve(request));
  }

  openTransaction(transaction: OpenTransaction, leftMs: number): Promise<void> {
    return this.use(({ intents }) => intents.open(transaction, leftMs));
  }

  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    return this.use(({ intents }) => intents.prepare(request));
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.use(({ intents }) => intents.decide(request));
  }

  askDecision(intent: Pick<Intent, 'txnId' | 'decider' | 'deadlineMs'>): Promise<Decision> {
    return this.use(({ intents }) => intents.ask(intent));
  }

  settle(request: SettleRequest): Promise<void> {
    return this.use(({ intents }) => intents.settle(request));
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
