import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { makeCertificate } from '../../support/servers/certificate.js';
import { eventually } from '../../support/eventually.js';
import { LOOPBACK } from '../../support/servers/start-server.js';
import { serverCertificate } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { useStores } from './stores.js';

/** A way to a server that keeps all answers until the server has said its last, and then delivers them in one piece. */
interface KeepingWay {
  readonly port: number;
  hasAnswer(): boolean;
  isOver(): boolean;
  stop(): void;
}

async function keepAnswers(serverPort: number): Promise<KeepingWay> {
  const sockets: Socket[] = [];
  let answers = 0;
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: serverPort, host: LOOPBACK, allowHalfOpen: true });
    sockets.push(client, server);
    client.pipe(server);
    const kept: Buffer[] = [];
    server.on('data', (bytes) => {
      kept.push(bytes);
      answers += 1;
    });
    server.on('end', () => client.end(Buffer.concat(kept)));
    for (const socket of [client, server]) socket.on('error', () => undefined);
  });
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    hasAnswer: () => answers > 0,
    isOver: () => sockets.every(({ destroyed }) => destroyed),
    stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}

describe('a store that is stopped in the middle of a TLS handshake', () => {
  const stores = useStores();

  it.each(['another authority', 'another host name'])(
    'G40: outlives all that is wrong with what the server then says: %s',
    async (wrong) => {
      const server = await startRedisServer({ access: 'tls' });
      const way = await keepAnswers(server.port);
      const tls =
        wrong === 'another authority'
          ? { ca: makeCertificate('DNS:other').cert }
          : { ca: serverCertificate().cert, servername: 'cache.example' };
      const { store, started } = stores.begin({ host: LOOPBACK, port: way.port, tls, startTimeout: '60s' });
      await eventually(() => way.hasAnswer(), { what: 'the answer of the server' });
      await store.stop();
      await expect(started).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      // An error that nobody listens to fails this test, as it would end a process.
      await eventually(() => way.isOver(), { what: 'the connections to close' });
      way.stop();
      await server.stop();
    },
  );
});
