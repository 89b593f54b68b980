import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers';
import type { RedisCluster } from '../../support/redis-cluster.js';
import { LOOPBACK } from '../../support/start-server.js';

/** Counts how often a client of a cluster waited for its nodes before it went on. */
export interface ClusterTurns {
  /** For the client: each node is reached through a proxy. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly natMap: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** Turns since the last call: times that something was sent after an answer to what was sent before. */
  take(): number;
  close(): Promise<void>;
}

/**
 * Answers are kept this long, so that all that is sent together has arrived at every node before the first of them. A machine
 * that is slower than this makes a turn look like two, never two like one.
 */
const ANSWER_AFTER_MS = 50;

/** Like `countTurns`, over all masters of a cluster: what goes to several nodes at the same time is one turn. */
export async function countClusterTurns(cluster: RedisCluster): Promise<ClusterTurns> {
  let turns = 0;
  let isClientsTurn = true;
  const sockets = new Set<Socket>();
  const proxies: Server[] = [];
  const natMap: Record<string, { host: string; port: number }> = {};
  for (const { port } of cluster.masters) {
    const proxy = createServer((client) => {
      const server = connect(port, LOOPBACK);
      client.on('data', (chunk) => {
        if (isClientsTurn) turns += 1;
        isClientsTurn = false;
        server.write(chunk);
      });
      server.on('data', (chunk) => {
        setTimeout(() => {
          isClientsTurn = true;
          client.write(chunk);
        }, ANSWER_AFTER_MS);
      });
      for (const [socket, other] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, LOOPBACK, resolve));
    proxies.push(proxy);
    natMap[`${LOOPBACK}:${port}`] = { host: LOOPBACK, port: (proxy.address() as AddressInfo).port };
  }
  return {
    nodes: Object.values(natMap),
    natMap,
    take() {
      const taken = turns;
      turns = 0;
      isClientsTurn = true;
      return taken;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(proxies.map((proxy) => new Promise((resolve) => proxy.close(resolve))));
    },
  };
}
