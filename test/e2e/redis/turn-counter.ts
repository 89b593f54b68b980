import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

import { LOOPBACK } from '../../support/start-server.js';

/** A TCP proxy that counts how often a client waited for an answer before it went on. */
export interface TurnCounter {
  readonly port: number;
  /** Times since the last call that something was sent after everything before it had been answered. */
  take(): number;
  close(): Promise<void>;
}

/**
 * A round trip is a turn: the client speaks, the server answers. Commands that are sent together, as a pipeline is,
 * make one turn, however many packets or commands they are.
 */
export async function countTurns(targetPort: number): Promise<TurnCounter> {
  let turns = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(targetPort, LOOPBACK);
    let isClientsTurn = true;
    client.on('data', (chunk) => {
      if (isClientsTurn) turns += 1;
      isClientsTurn = false;
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      isClientsTurn = true;
      client.write(chunk);
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
    take() {
      const taken = turns;
      turns = 0;
      return taken;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
