import { eventually } from '../eventually.js';
import { observer } from './redis-access.js';
import { startRedisServer, type RedisServer } from './redis-server.js';

/** A master of a test and its replicas, without anybody who would make one of them the next master. */
export interface ReplicatedServer {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  /** Starts one replica more and resolves when it is in step. */
  addReplica(): Promise<RedisServer>;
  /** Resolves when the master sees so many of its replicas in step. */
  inStep(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A replica begins to copy at once, without waiting for others. */
const ARGS = ['--repl-diskless-sync-delay', '0'];

export async function startReplicatedServer(count: number): Promise<ReplicatedServer> {
  const needs = ['replicas'] as const;
  const master = await startRedisServer({ args: ARGS, needs });
  const replicas: RedisServer[] = [];
  const client = observer(master);
  const inStep = async (wanted: number): Promise<void> => {
    const online = async (): Promise<boolean> =>
      [...(await client.info('replication')).matchAll(/state=online/g)].length === wanted;
    await eventually(online, { what: `${wanted} replicas in step`, withinMs: 15_000 });
  };
  const addReplica = async (): Promise<RedisServer> => {
    const args = [...ARGS, '--replicaof', `${master.host} ${master.port}`];
    const replica = await startRedisServer({ args, needs });
    replicas.push(replica);
    await inStep(replicas.length);
    return replica;
  };
  for (let i = 0; i < count; i += 1) await addReplica();
  return {
    master,
    replicas,
    addReplica,
    inStep,
    async stop() {
      client.disconnect();
      await Promise.all([...replicas, master].map((server) => server.stop()));
    },
  };
}
