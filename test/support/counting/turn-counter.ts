import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout } from 'node:timers';

import type { RedisCluster } from '../servers/redis-cluster.js';
import { LOOPBACK } from '../servers/start-server.js';

/** Counts how often a client waited for an answer before it went on. */
export interface TurnCounter {
  readonly port: number;
  /** Times since the last call that something was sent after everything before it had been answered. */
  take(): number;
  close(): Promise<void>;
}

/** The same of a client of a cluster: what goes to several nodes at the same time is one turn. */
export interface ClusterTurns extends Omit<TurnCounter, 'port'> {
  /** For the client: each node is reached through a proxy. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly natMap: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

/**
 * Answers of a cluster are kept this long, so that all that is sent together has arrived at every node before the first of them. A
 * machine that is slower than this makes a turn look like two, never two like one.
 */
const ANSWER_AFTER_MS = 50;

/**
 * A round trip is a turn: the client speaks, the server answers. Commands that are sent together, as a pipeline is,
 * make one turn, however many packets or commands they are.
 */
export async function countTurns(targetPort: number): Promise<TurnCounter> {
  const tally = new Tally();
  const atOnce = (answer: () => void): void => {
    answer();
  };
  // Each connection takes turns by itself.
  const { port, close } = await proxyTo(targetPort, () => new Turn(tally), atOnce);
  return { port, take: () => tally.take(), close };
}

/** Like {@link countTurns}, over all masters of a cluster. */
export async function countClusterTurns(cluster: RedisCluster): Promise<ClusterTurns> {
  const tally = new Tally();
  const turn = new Turn(tally);
  const late = (answer: () => void): void => void setTimeout(answer, ANSWER_AFTER_MS);
  const proxies = await Promise.all(cluster.masters.map(({ port }) => proxyTo(port, () => turn, late)));
  const nodes = proxies.map(({ port }) => ({ host: LOOPBACK, port }));
  const natMap = Object.fromEntries(cluster.masters.map(({ port }, i) => [`${LOOPBACK}:${port}`, nodes[i]!]));
  return {
    nodes,
    natMap,
    take() {
      turn.isClients = true;
      return tally.take();
    },
    async close() {
      await Promise.all(proxies.map(({ close }) => close()));
    },
  };
}

/** Turns since somebody has looked. */
class Tally {
  count = 0;

  take(): number {
    const taken = this.count;
    this.count = 0;
    return taken;
  }
}

/** Whose turn it is to speak, on one connection or on several that are looked at as one. */
class Turn {
  /** The client has its answer, and the next that it says begins a turn. */
  isClients = true;

  constructor(private readonly tally: Tally) {}

  spoken(): void {
    if (this.isClients) this.tally.count += 1;
    this.isClients = false;
  }
}

/** A TCP proxy that notes who speaks; `deliver` says when an answer reaches the client. */
async function proxyTo(
  targetPort: number,
  turnOf: () => Turn,
  deliver: (answer: () => void) => void,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(targetPort, LOOPBACK);
    const turn = turnOf();
    client.on('data', (chunk) => {
      turn.spoken();
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      deliver(() => {
        turn.isClients = true;
        client.write(chunk);
      });
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
  return {
    port: (proxy.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
