import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';

import { LOOPBACK, serverBinary, startServer, type TestServer } from './start-server.js';

export interface RedisServerOptions {
  /** Further command-line options, for example `['--maxmemory-policy', 'noeviction']`; the last of equals counts. */
  readonly args?: readonly string[];
  /** A given port, to bring a server back where it was. Default: a free one. */
  readonly port?: number;
}

/** A real redis-server of this test, on loopback, in memory only. */
export interface RedisServer extends TestServer {
  readonly url: string;
}

/** Nothing is kept on disk; DEBUG is allowed, because fault tests make the server sleep. */
const BASE_ARGS = ['--bind', LOOPBACK, '--save', '', '--appendonly', 'no', '--enable-debug-command', 'local'];

/** Starts a standalone redis-server; about 15 ms. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = serverBinary('redis-server');
  const server = await startServer(
    {
      name: 'redis-server',
      async spawn(port, folder) {
        const args = ['--port', String(port), '--dir', folder, ...BASE_ARGS, ...(options.args ?? [])];
        return spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      },
      isOurs: async (port, pid) => (await pidOf(port)) === pid,
    },
    options.port,
  );
  return { ...server, url: `redis://${server.host}:${server.port}` };
}

/** The process id of the server that answers on a port. */
async function pidOf(port: number): Promise<number> {
  const client = new Redis({
    host: LOOPBACK,
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    commandTimeout: 1_000,
    disconnectTimeout: 0, // By default a refused connection keeps a timer, and with it this process, for 2 s.
  });
  client.on('error', () => undefined); // The same failure rejects the call below.
  try {
    const info = await client.info('server');
    return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  } finally {
    client.disconnect();
  }
}
