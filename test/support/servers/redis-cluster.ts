import type { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FurtherNeed } from './documented-user.js';
import { eventually } from '../eventually.js';
import { observer } from './redis-access.js';
import { startRedisServer, type RedisServer } from './redis-server.js';

export interface RedisClusterOptions {
  /** One replica for each master. Default false: most tests only need keys in different slots. */
  readonly replicas?: boolean;
  /** Further command-line options of every node. */
  readonly args?: readonly string[];
  /** What the library's user needs beside what a cluster does. */
  readonly needs?: readonly FurtherNeed[];
}

/** A real Redis Cluster of this test: three masters with a third of the slots each. */
export interface RedisCluster {
  readonly masters: readonly RedisServer[];
  /** In the order of their masters; empty unless asked for. */
  readonly replicas: readonly RedisServer[];
  /** All nodes, as ioredis' `Cluster` takes them. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /**
   * Starts a node again that has ended: the same member on the same port, and empty. It finds its place by itself, which
   * is behind the replica that took over from it.
   */
  restart(ended: RedisServer): Promise<RedisServer>;
  stop(): Promise<void>;
}

const MASTERS = 3;
const SLOTS = 16_384;

/**
 * A node is believed dead after 500 ms, so that fail-over tests take about a second; its replica may then take over
 * however old its data (validity factor 0) and begins to copy at once (no wait for further replicas).
 */
const CLUSTER_ARGS = [
  ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '500'],
  ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
];

/** Starts the nodes, joins them and resolves when every one of them serves every slot. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const size = options.replicas ? 2 * MASTERS : MASTERS;
  const args = [...CLUSTER_ARGS, ...(options.args ?? [])];
  // Who a node is, in a file that outlives its process.
  const folder = mkdtempSync(join(tmpdir(), 'cache-txn-cluster-'));
  const startNode = async (index: number, port?: number): Promise<RedisServer> =>
    startRedisServer({
      needs: ['cluster', ...(options.needs ?? [])],
      args: [...args, '--cluster-config-file', join(folder, `node-${index}.conf`)],
      ...(port !== undefined && { port }),
    });
  const starts = await Promise.allSettled(Array.from({ length: size }, async (_, index) => startNode(index)));
  const servers = starts.filter((start) => start.status === 'fulfilled').map(({ value }) => value);
  const ports = servers.map(({ port }) => port);
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map(async (server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  };

  const clients = servers.map((server) => observer(server, { lazyConnect: true }));
  try {
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    await introduce(clients);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    masters: servers.slice(0, MASTERS),
    replicas: servers.slice(MASTERS),
    nodes: servers.map(({ host, port }) => ({ host, port })),
    async restart({ port }) {
      const again = await startNode(ports.indexOf(port), port);
      servers.push(again);
      return again;
    },
    stop,
  };
}

/** The first three become masters, the next three their replicas. */
async function introduce(clients: readonly Redis[]): Promise<void> {
  const masters = clients.slice(0, MASTERS);
  const replicas = clients.slice(MASTERS);

  await Promise.all(
    masters.map(async (client, index) => {
      const [from, end] = [slotAt(index), slotAt(index + 1)];
      await client.cluster('ADDSLOTSRANGE', from, end - 1);
    }),
  );
  // Distinct epochs before the nodes meet: equal ones collide, and settling that costs seconds.
  await Promise.all(clients.map(async (client, index) => client.cluster('SET-CONFIG-EPOCH', index + 1)));

  const [first] = clients;
  for (const { options } of clients.slice(1)) await first?.cluster('MEET', String(options.host), Number(options.port));

  const ids = await Promise.all(masters.map(async (client) => client.cluster('MYID')));
  await Promise.all(
    replicas.map(async (client, index) => {
      const masterId = String(ids[index]);
      // A node refuses to follow a master that it has not met yet.
      await eventually(async () => client.cluster('REPLICATE', masterId), { what: 'a replica to know its master' });
    }),
  );
  await Promise.all(
    clients.map(async (client) => {
      const what = `cluster node ${client.options.port} to be ready`;
      await eventually(async () => isReady(client, clients.length), { what, withinMs: 15_000 });
    }),
  );
}

function slotAt(index: number): number {
  return Math.floor((SLOTS * index) / MASTERS);
}

/** Ready: all slots served, every node seen by this one in its final role, and a replica in step with its master. */
async function isReady(client: Redis, size: number): Promise<boolean> {
  if (!(await client.cluster('INFO')).includes('cluster_state:ok')) return false;
  const nodes = String(await client.cluster('NODES'));
  const seen = (role: RegExp): number => nodes.split('\n').filter((line) => role.test(line)).length;
  if (seen(/\bmaster -/) !== MASTERS || seen(/\bslave /) !== size - MASTERS || nodes.includes('handshake'))
    return false;
  const replication = await client.info('replication');
  return replication.includes('role:master') || replication.includes('master_link_status:up');
}
