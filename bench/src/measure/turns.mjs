import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { LOOPBACK } from './own-server.mjs';

/**
 * A proxy before a server that counts round trips: how often a connection was spoken into after all that was said before had been answered.
 * Commands that are sent together, as a pipeline is, are one, however many packets or commands they are.
 *
 * @param {number} targetPort
 */
export async function countTurns(targetPort) {
  let count = 0;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: targetPort, host: LOOPBACK, noDelay: true });
    let isClientsTurn = true;
    client.on('data', (chunk) => {
      if (isClientsTurn) count += 1;
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
    ]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, LOOPBACK);
  await once(proxy, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (proxy.address());
  return {
    port,
    /** Those since the last call. */
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
    async close() {
      const closed = once(proxy, 'close');
      proxy.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
