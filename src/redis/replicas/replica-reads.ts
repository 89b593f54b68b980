import type { Cluster, Redis } from 'ioredis';
import { systemClock } from '../../base/clock.js';
import { StoreTimeoutError, StoreUnavailableError } from '../../base/errors.js';
import { inTime } from '../../base/in-time.js';
import type { StoredEntry } from '../../store/intent-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import { CommandRunner } from '../commands/command-runner.js';
import { EntryCommands } from '../commands/entry-commands.js';
import { closeClient, isCluster } from '../connection/connection.js';
import { withoutSecrets } from '../connection/safe-error.js';

/** For so long nobody waits for a replica that did not answer. */
const REST_MS = 1_000;
/** An outage that comes again within this time is not told again. */
const TOLD_AGAIN_MS = 60_000;

/** The connection to the replicas: there is none before the first read. */
interface Link {
  readonly client: Redis | Cluster;
  readonly entries: EntryCommands;
  /** The first attempt; later ones are the client's own. */
  readonly connected: Promise<void>;
}

/**
 * Reads entries from replicas, on a connection of its own that nothing else uses. Where no replica answers in time it says so, and whoever asks
 * goes to the primary: a replica that fails costs one read its time, and then one a second until it answers.
 */
export class ReplicaReads {
  private readonly limitMs: number;
  private link: Link | undefined;
  private isTroubled = false;
  private isClosed = false;
  private restsUntilMs = -Infinity;
  private toldAtMs = -Infinity;

  constructor(
    /** Makes a client that opens nothing yet; undefined where there is no replica to ask. */
    private readonly open: () => Redis | Cluster | undefined,
    private readonly keys: KeySpace,
    /** Half of it is the replica's: when it is over, the primary still answers within the time of a command. */
    commandTimeoutMs: number,
    private readonly warn: (message: string) => void,
  ) {
    this.limitMs = Math.ceil(commandTimeoutMs / 2);
  }

  /** One result for each key, in order; undefined, and no error, where the primary has to be asked. */
  async read(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[] | undefined> {
    const nowMs = systemClock.now();
    if (this.isClosed || nowMs < this.restsUntilMs) return undefined;
    // While it is not known to be back, one read finds out for all.
    if (this.isTroubled) this.restsUntilMs = nowMs + this.limitMs + REST_MS;
    try {
      const entries = await inTime(systemClock, this.limitMs, this.ask(keys), () => this.tooLate());
      this.isTroubled = false;
      this.restsUntilMs = -Infinity;
      return entries;
    } catch (error) {
      this.failed(withoutSecrets(error));
      return undefined;
    }
  }

  close(): void {
    this.isClosed = true;
    if (this.link !== undefined) closeClient(this.link.client);
  }

  private async ask(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    this.link ??= this.connect();
    const { client, connected, entries } = this.link;
    if (client.status !== 'ready') await connected;
    if (isCluster(client) && client.nodes('slave').length === 0) {
      // A node names a replica once it has heard how far that is, and the client asks for the nodes seldom.
      client.refreshSlotsCache();
      throw new StoreUnavailableError('no master of the cluster has a replica');
    }
    return entries.read(keys);
  }

  private connect(): Link {
    const client = this.open();
    if (client === undefined)
      throw new StoreUnavailableError('the store knows of none; name one with redisStore({ readReplica })');
    // The same failure rejects the read that meets it.
    client.on('error', () => undefined);
    // One that has given up is of no use any more.
    client.on('end', () => {
      if (this.link?.client === client) this.link = undefined;
    });
    const entries = new EntryCommands(new CommandRunner(client, this.limitMs), this.keys);
    return { client, entries, connected: client.connect() };
  }

  private failed({ message }: Error): void {
    const nowMs = systemClock.now();
    this.isTroubled = true;
    this.restsUntilMs = nowMs + REST_MS;
    if (this.isClosed || nowMs - this.toldAtMs < TOLD_AGAIN_MS) return;
    this.toldAtMs = nowMs;
    this.warn(`no replica gives what is to be read from one (${message}); reads go to the primary until one does`);
  }

  private tooLate(): StoreTimeoutError {
    return new StoreTimeoutError(`no answer within ${this.limitMs} ms`, { details: { timeoutMs: this.limitMs } });
  }
}
