import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { documentedUser, type FurtherNeed } from './documented-user.js';
import { LIBRARY_USER, observer, redisAccess, serverCertificate, type RedisAccess } from './redis-access.js';
import { LOOPBACK, serverBinary, startServer, type TestServer } from './start-server.js';

export interface RedisServerOptions {
  /** Further command-line options, for example `['--maxmemory-policy', 'noeviction']`; the last of equals counts. */
  readonly args?: readonly string[];
  /** A given port, to bring a server back where it was. Default: a free one. */
  readonly port?: number;
  /** How the library may reach it. Default: what the environment says (see redis-access.ts). */
  readonly access?: RedisAccess;
  /** What the library's user needs beside what every store does. */
  readonly needs?: readonly FurtherNeed[];
}

/** A real redis-server of this test, on loopback, in memory only. */
export interface RedisServer extends TestServer {
  /** Of the administrator. A TLS server's certificate is not in it: prefer the functions of redis-access.ts. */
  readonly url: string;
  readonly access: RedisAccess;
}

/** Nothing is kept on disk; DEBUG is allowed, because fault tests make the server sleep. */
const BASE_ARGS = ['--bind', LOOPBACK, '--save', '', '--appendonly', 'no', '--enable-debug-command', 'local'];

/** Starts a standalone redis-server; about 15 ms. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { access = redisAccess(), needs = [] } = options;
  const binary = serverBinary('redis-server');
  const server = await startServer(
    {
      name: 'redis-server',
      async spawn(port, folder) {
        const door = access === 'tls' ? tlsArgs(port, folder) : ['--port', String(port)];
        const user =
          access === 'acl' ? ['--user', ...documentedUser({ namespace: '*', name: LIBRARY_USER, needs })] : [];
        const args = [...door, '--dir', folder, ...BASE_ARGS, ...user, ...(options.args ?? [])];
        return spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      },
      isOurs: async (port, pid) => (await pidOf(port, access)) === pid,
    },
    options.port,
  );
  return { ...server, access, url: `${access === 'tls' ? 'rediss' : 'redis'}://${server.host}:${server.port}` };
}

/** Clients, replicas and nodes of a cluster all speak TLS, and nothing else is listened to. */
export function tlsArgs(port: number, folder: string): string[] {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const { cert, key } = serverCertificate();
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return [
    ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile],
    ...['--tls-replication', 'yes', '--tls-cluster', 'yes'],
  ];
}

/** The process id of the server that answers on a port. */
async function pidOf(port: number, access: RedisAccess): Promise<number> {
  const client = observer(
    { port, access },
    {
      lazyConnect: true,
      retryStrategy: () => null,
      commandTimeout: 1_000,
      disconnectTimeout: 0, // By default a refused connection keeps a timer, and with it this process, for 2 s.
    },
  );
  client.on('error', () => undefined); // The same failure rejects the call below.
  try {
    const info = await client.info('server');
    return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  } finally {
    client.disconnect();
  }
}
