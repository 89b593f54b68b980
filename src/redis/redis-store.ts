import type { Cluster, Redis } from 'ioredis';
import { StoreUnavailableError } from '../base/errors.js';
import { newId } from '../base/random.js';
import type { CommitOutcome, CommitRequest, EntryRecord, ResolveOutcome } from '../store/entry-operations.js';
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
import { type Connections, createConnections, isCluster } from './connection.js';
import { EntryCommands } from './entry-commands.js';
import { hashSlot } from './hash-slot.js';
import { Inbox } from './inbox.js';
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
  return new RedisStore(options);
}

interface Running {
  readonly inbox: Inbox;
  readonly locks: LockCommands;
  readonly entries: EntryCommands;
}

class RedisStore extends CacheTxnStore {
  private readonly settings: ResolvedSettings;
  private readonly connections: Connections;
  private readonly stopping = new AbortController();
  private keys = new KeySpace('ctx');
  private running: Running | undefined;
  private isChecked = false;

  constructor(options: RedisStoreOptions) {
    super();
    this.settings = resolveSettings(options);
    this.connections = createConnections(options, this.settings);
  }

  async start(context: StoreContext): Promise<void> {
    const { commands, inbox: listening } = this.connections;
    this.keys = new KeySpace(context.namespace);
    const runner = new CommandRunner(commands, this.settings.commandTimeoutMs);
    const channel = this.keys.inbox(`${context.processLabel}:${newId()}`);
    const inbox = new Inbox(listening, channel, context.report);
    const slotOf = (serverKey: string): number => this.slotOfServerKey(serverKey);
    this.running = {
      inbox,
      locks: new LockCommands(runner, this.keys, channel, slotOf),
      entries: new EntryCommands(runner, this.keys),
    };
    const prepare = async (): Promise<void> => {
      await checkServers(runner, this.settings, context.warn);
      await runner.run('SUBSCRIBE', () => inbox.open());
      this.isChecked = true;
    };
    try {
      await connectWithin(this.connections, this.settings, context, prepare, this.stopping.signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.stopping.abort();
    this.running = undefined;
    for (const connection of new Set<Redis | Cluster>([this.connections.commands, this.connections.inbox]))
      connection.disconnect();
    return Promise.resolve();
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

  readEntries(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    return this.use(({ entries }) => entries.read(keys));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.use(({ entries }) => entries.commit(request));
  }

  resolveCommit(request: CommitRequest): Promise<ResolveOutcome> {
    return this.use(({ entries }) => entries.resolve(request));
  }

  private async use<T>(operation: (running: Running) => Promise<T>): Promise<T> {
    const running = this.started();
    if (!this.isChecked)
      throw new StoreUnavailableError('Redis has not answered since the start; the operation was not sent');
    return operation(running);
  }

  private started(): Running {
    if (this.running === undefined)
      throw new StoreUnavailableError('the Redis store is not running: it was not started, or it was stopped');
    return this.running;
  }

  private slotOfServerKey(serverKey: string): number {
    return isCluster(this.connections.commands) ? hashSlot(serverKey) : 0;
  }
}
