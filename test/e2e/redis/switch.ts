import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { LOOPBACK } from '../../support/servers/start-server.js';

/** An address that can lead to one server or another, as that of a managed service does. */
export interface Switch {
  readonly port: number;
  /** Where connections lead from now on; those that are open stay where they are. */
  lead(port: number): void;
  close(): Promise<void>;
}

export async function startSwitch(port: number): Promise<Switch> {
  let target = port;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, LOOPBACK);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lead(next) {
      target = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
