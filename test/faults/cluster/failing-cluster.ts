import { eventually } from '../../support/eventually.js';
import { observer } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster, type RedisClusterOptions } from '../../support/servers/redis-cluster.js';
import type { RedisServer } from '../../support/servers/redis-server.js';

/** A master and its replica at this moment. */
export interface Shard {
  readonly master: RedisServer;
  readonly replica: RedisServer;
}

/** CLUSTER FAILOVER without an argument is the graceful one: the master waits until the replica has everything. */
export type FailoverMode = 'graceful' | 'FORCE' | 'TAKEOVER';

const SLOTS = 16_384;
/** Two elections and a full copy on a busy machine. */
const HEALED_WITHIN_MS = 30_000;
/** How long a manual failover may take before both servers give it up without a word (CLUSTER_MF_TIMEOUT), and a little. */
const MANUAL_FAILOVER_MS = 5_500;

/** A cluster of three masters and three replicas whose members a test freezes, kills and exchanges. */
export class FailingCluster {
  /** By shard, in no order. */
  private readonly shards: [RedisServer, RedisServer][];

  private constructor(private readonly cluster: RedisCluster) {
    this.shards = cluster.masters.map((master, index) => [master, cluster.replicas[index]!]);
  }

  static async start(options: Pick<RedisClusterOptions, 'args' | 'needs'> = {}): Promise<FailingCluster> {
    return new FailingCluster(await startRedisCluster({ ...options, replicas: true }));
  }

  get nodes(): { host: string; port: number }[] {
    return [...this.cluster.nodes];
  }

  get servers(): readonly RedisServer[] {
    return this.shards.flat();
  }

  /** The servers of a slot. Both have to answer. */
  async shard(slot: number): Promise<Shard> {
    const [one, other] = this.pair(slot);
    return (await isMaster(one)) ? { master: one, replica: other } : { master: other, replica: one };
  }

  /** How many elections there have been. A starved machine makes a node look dead, and its replica calls one uninvited. */
  async elections(): Promise<number> {
    const infos = await Promise.all(this.servers.map((server) => tell(server, 'CLUSTER', 'INFO')));
    return Math.max(...infos.map((info) => Number(/cluster_current_epoch:(\d+)/.exec(String(info))?.[1])));
  }

  /**
   * Makes the replica the master; resolves when it says that it is. Asks again when Redis gave the failover up, as it does
   * when the other masters refuse their votes: they elect no successor of a master twice within two node time-outs.
   */
  async failOver(slot: number, mode: FailoverMode): Promise<void> {
    const { replica } = await this.shard(slot);
    const ask = async (): Promise<void> => {
      if (await isMaster(replica)) return;
      await tell(replica, 'CLUSTER', 'FAILOVER', ...(mode === 'graceful' ? [] : [mode]));
      await this.promotionOf(replica, MANUAL_FAILOVER_MS);
    };
    await eventually(ask, { what: `the ${mode} failover`, withinMs: HEALED_WITHIN_MS });
  }

  async promotionOf(replica: RedisServer, withinMs = HEALED_WITHIN_MS): Promise<void> {
    await eventually(() => isMaster(replica), { what: 'the promotion of the replica', withinMs });
  }

  /**
   * Makes sure that what `write` does is acknowledged by the master and lost with it: its replica is frozen and cut off
   * meanwhile. Resolves when the replica has taken over without it.
   */
  async loseWrite(slot: number, write: () => Promise<void>): Promise<void> {
    const { master, replica } = await this.shard(slot);
    replica.pause();
    await tell(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
    try {
      await write();
    } finally {
      await kill(master);
      replica.resume();
    }
    await this.promotionOf(replica);
  }

  /** Lets everybody go on, starts again who was killed, and resolves when every master has its replica in step. */
  async heal(): Promise<void> {
    for (const server of this.servers) server.resume();
    await Promise.all(
      this.shards.flatMap((shard) =>
        shard.map(async (server, index) => {
          if (server.hasEnded()) shard[index] = await this.cluster.restart(server);
        }),
      ),
    );
    await Promise.all(
      this.servers.map((server) =>
        eventually(() => assertHealthy(server), {
          what: `node ${server.port} to be healthy again`,
          withinMs: HEALED_WITHIN_MS,
          everyMs: 50,
        }),
      ),
    );
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }

  private pair(slot: number): [RedisServer, RedisServer] {
    return this.shards.findLast((_, index) => slot >= Math.floor((SLOTS * index) / this.shards.length))!;
  }
}

/** Ends a server as a power cut does, also a frozen one: `stop` would let it go on, and answer, first. */
export async function kill(server: RedisServer): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  await server.ended;
}

/** One command on a connection of its own. */
export async function tell(
  server: { host: string; port: number },
  ...command: [string, ...string[]]
): Promise<unknown> {
  const client = observer(server, { lazyConnect: true, retryStrategy: () => null, commandTimeout: 1_000 });
  client.on('error', () => undefined); // The same failure rejects the call below.
  try {
    const [name, ...args] = command;
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

export async function isMaster(server: { host: string; port: number }): Promise<boolean> {
  return String(await tell(server, 'INFO', 'replication')).includes('role:master');
}

/** Whether everything that the master has written so far is at its replica. */
export async function isInStep(master: RedisServer, replica: RedisServer): Promise<boolean> {
  const offset = /master_repl_offset:(\d+)/.exec(String(await tell(master, 'INFO', 'replication')))?.[1];
  const reached = /slave_repl_offset:(\d+)/.exec(String(await tell(replica, 'INFO', 'replication')))?.[1];
  return Number(reached) >= Number(offset);
}

/** Throws what is wrong unless it serves every slot, misses nobody, and is a master with a replica in step, or a replica in step. */
async function assertHealthy(server: RedisServer): Promise<void> {
  const replication = String(await tell(server, 'INFO', 'replication'));
  const isInStep = replication.includes('role:master')
    ? /slave0:.*state=online/.test(replication)
    : replication.includes('master_link_status:up');
  if (!isInStep) throw new Error(replication);
  const info = String(await tell(server, 'CLUSTER', 'INFO'));
  if (!info.includes('cluster_state:ok')) throw new Error(info);
  const nodes = String(await tell(server, 'CLUSTER', 'NODES'));
  if (/fail|handshake/.test(nodes)) throw new Error(nodes);
}
