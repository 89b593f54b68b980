import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { LOOPBACK } from './start-server.js';

/** A way to a server on which what a client sends can be kept waiting, and then arrive late. */
export interface HoldingProxy {
  readonly port: number;
  /** Bytes that are kept waiting. */
  readonly heldBytes: number;
  /** From now on keeps what is sent on the connections that are open now; later ones are not affected. */
  hold(): void;
  /** Lets everything arrive, also what clients sent that have given up and gone. */
  release(): void;
  stop(): Promise<void>;
}

interface Passage {
  readonly client: Socket;
  readonly server: Socket;
  held: Buffer[] | undefined;
}

export async function startHoldingProxy(serverPort: number): Promise<HoldingProxy> {
  const passages = new Set<Passage>();
  const listener = createServer((client) => {
    const server = connect(serverPort, LOOPBACK);
    const passage: Passage = { client, server, held: undefined };
    passages.add(passage);
    client.on('data', (bytes) => {
      if (passage.held) passage.held.push(bytes);
      else server.write(bytes);
    });
    server.on('data', (bytes) => client.write(bytes));
    // The server's side stays open while something is on its way to it.
    client.on('close', () => {
      if (passage.held === undefined) server.destroy();
    });
    server.on('close', () => client.destroy());
    for (const socket of [client, server]) socket.on('error', () => undefined);
  });
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    get heldBytes() {
      return [...passages].flatMap(({ held = [] }) => held).reduce((sum, bytes) => sum + bytes.length, 0);
    },
    hold() {
      for (const passage of passages) passage.held ??= [];
    },
    release() {
      for (const passage of passages) {
        for (const bytes of passage.held ?? []) passage.server.write(bytes);
        passage.held = undefined;
      }
    },
    async stop() {
      for (const { client, server } of passages) {
        client.destroy();
        server.destroy();
      }
      listener.close();
      await once(listener, 'close');
    },
  };
}
