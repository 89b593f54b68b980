import type { Cluster, Redis } from 'ioredis';
import { sleep, systemClock } from '../../base/clock.js';
import { InvalidOptionsError, ReplicasBehindError, StoreUnavailableError } from '../../base/errors.js';
import { hashSlot } from '../../store/hash-slot.js';
import type { KeySpace } from '../../store/key-space.js';
import { blockingConnection, isCluster, mastersOf } from '../connection/connection.js';
import type { ResolvedSettings } from '../redis-store.options.js';
import { ReplicaChannel, type Shortfall } from './replica-channel.js';
import { type Proof, ReplicaConnection } from './replica-connection.js';
import { withoutSecrets } from '../connection/safe-error.js';

/** Between two questions about the same step: a failover takes longer, a connection that was cut is there again. */
const PAUSE_MS = 50;

/**
 * Waits until every replica of a master has what the master has done (`replicas: 'all'`).
 *
 * Fewer than all would not do: the one that is missing may be the next master [measured: with WAIT for one of two replicas
 * 6,782 of 30,710 acknowledged writes were lost by failovers, with WAIT for all of them none].
 */
export class ReplicaAcknowledgement {
  /** By address; of a server without a cluster the only one, wherever it is at the moment. */
  private readonly channels = new Map<string, ReplicaChannel>();
  private readonly alone = new Set<string>();
  private isClosed = false;

  constructor(
    /** The connection for commands, which knows where the masters are. */
    private readonly client: Redis | Cluster,
    private readonly keys: KeySpace,
    private readonly settings: ResolvedSettings,
    private readonly warn: (message: string) => void,
  ) {}

  /**
   * Connects to every master, so that trouble is told at the boot.
   * @throws InvalidOptionsError `INVALID_OPTIONS` when the user of the connection may not do what this needs
   * @throws StoreUnavailableError `STORE_UNAVAILABLE`
   */
  async open(): Promise<void> {
    await Promise.all(mastersOf(this.client).map((master) => this.prepare(this.channelTo(master))));
  }

  /**
   * Resolves when every replica has the step that `proof` shows.
   * @throws ReplicasBehindError `STORE_TIMEOUT` when that is not known within `replicaTimeout`
   */
  confirm(step: string, proof: Proof): Promise<void> {
    const { replicaTimeoutMs } = this.settings;
    const untilMs = systemClock.now() + replicaTimeoutMs;
    return new Promise((resolve, reject) => {
      let isOver = false;
      let last: Shortfall = { why: 'nobody answered' };
      const timer = systemClock.after(replicaTimeoutMs, () => {
        isOver = true;
        reject(behind(step, replicaTimeoutMs, last));
      });
      const ask = async (): Promise<void> => {
        const shortfall = await this.ask(proof, untilMs);
        if (isOver) return;
        if (shortfall === undefined) {
          timer.cancel();
          resolve();
          return;
        }
        last = shortfall;
        await sleep(systemClock, PAUSE_MS);
        askAgain();
      };
      const askAgain = (): void => {
        if (!isOver) void ask();
      };
      askAgain();
    });
  }

  close(): void {
    this.isClosed = true;
    for (const channel of this.channels.values()) channel.close();
  }

  private async ask(proof: Proof, untilMs: number): Promise<Shortfall | undefined> {
    if (this.isClosed) return { why: 'the store was stopped' };
    const master = this.masterOf(proof.key);
    if (master === undefined) return { why: 'no master is known for its slot' };
    const shortfall = await this.channelTo(master).acknowledged({
      mark: this.keys.replicaMark(proof.key),
      proof,
      untilMs,
    });
    // Another master may have taken over, which the client would otherwise find out at its next command.
    if (shortfall !== undefined && isCluster(this.client)) this.client.refreshSlotsCache();
    return shortfall;
  }

  private masterOf(serverKey: string): Redis | undefined {
    if (!isCluster(this.client)) return this.client;
    const [address] = this.client.slots[hashSlot(serverKey)] ?? [];
    return mastersOf(this.client).find((master) => addressOf(master) === address);
  }

  private channelTo(master: Redis): ReplicaChannel {
    const { client, settings } = this;
    const isInCluster = isCluster(client);
    const address = isInCluster ? addressOf(master) : '';
    const known = this.channels.get(address);
    if (known !== undefined) return known;
    const connect = (): ReplicaConnection => {
      if (this.isClosed) throw new StoreUnavailableError('the Redis store was stopped');
      return new ReplicaConnection(blockingConnection(master, settings), settings.commandTimeoutMs, isInCluster);
    };
    const channel = new ReplicaChannel(
      connect,
      () => systemClock.now(),
      (replicas) => {
        this.tell(address, replicas);
      },
    );
    this.channels.set(address, channel);
    return channel;
  }

  private async prepare(channel: ReplicaChannel): Promise<void> {
    try {
      await channel.prepare();
    } catch (error) {
      const cause = withoutSecrets(error);
      if (!cause.message.startsWith('NOPERM')) {
        throw new StoreUnavailableError('Redis did not say who its replicas are', { cause });
      }
      throw new InvalidOptionsError(
        "replicas: 'all' needs WAIT, and in a cluster CLUSTER NODES, which the user of the connection may not run; see docs/operations.md",
        { cause, details: { option: 'replicas' } },
      );
    }
  }

  /** Once, and again when it had some meanwhile. */
  private tell(address: string, replicas: number): void {
    if (replicas > 0) this.alone.delete(address);
    else if (!this.alone.has(address)) {
      this.alone.add(address);
      this.warn(
        `replicas: 'all' is set, and the Redis master${address && ` ${address}`} has no replica: what it commits is acknowledged by itself alone`,
      );
    }
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host ?? ''}:${options.port ?? 0}`;
}

function behind(step: string, timeoutMs: number, { why, cause }: Shortfall): ReplicasBehindError {
  return new ReplicasBehindError(
    `Redis did ${step}, but not all its replicas acknowledged it within ${timeoutMs} ms: ${why}`,
    { cause: cause === undefined ? undefined : withoutSecrets(cause), details: { command: step, timeoutMs } },
  );
}
