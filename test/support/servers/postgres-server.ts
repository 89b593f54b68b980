import { spawn } from 'node:child_process';
import { chownSync } from 'node:fs';
import pg from 'pg';

import { makePostgresData, unprivilegedUser } from '../../../scripts/postgres-data.mjs';
import { LOOPBACK, serverBinary, startServer, type TestServer } from './start-server.js';

/** A real PostgreSQL server of this test, on loopback, with its own data and without a password. */
export interface PostgresServer extends TestServer {
  /** Of the superuser `postgres` and the database `postgres`. */
  readonly url: string;
}

export interface PostgresServerOptions {
  /** Further arguments; the last of equal settings counts. */
  readonly args?: readonly string[];
  /** Where its data are, for a server that shall be started on them again. Default: in a folder that goes away with it. */
  readonly data?: string;
  /** A given port, to bring a server back where it was. Default: a free one. */
  readonly port?: number;
}

/** Nothing here has to survive a crash of the machine, so no write waits for the disk. */
const SETTINGS = [
  ...['-c', `listen_addresses=${LOOPBACK}`, '-c', 'unix_socket_directories='],
  ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
];

/** Starts a server, and creates its data unless they are there; a second or two. */
export async function startPostgresServer(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const postgres = serverBinary('postgres');
  const user = unprivilegedUser();
  const server = await startServer(
    {
      name: 'postgres',
      // Not SIGKILL: the server gives back its shared memory, which would outlive it.
      endWith: 'SIGQUIT',
      async spawn(port, folder) {
        const data = options.data ?? folder;
        if (user) chownSync(folder, user.uid, user.gid);
        await makePostgresData(data, ['--no-sync']);
        const args = ['-D', data, '-p', String(port), ...SETTINGS, ...(options.args ?? [])];
        return spawn(postgres, args, { ...user, cwd: data, stdio: ['ignore', 'pipe', 'pipe'] });
      },
      isOurs: async (port, _pid, folder) => (await dataFolderOf(urlOf(port))) === (options.data ?? folder),
    },
    options.port,
  );
  return { ...server, url: urlOf(server.port) };
}

function urlOf(port: number): string {
  return `postgres://postgres@${LOOPBACK}:${port}/postgres`;
}

async function dataFolderOf(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined); // The same failure rejects a call below.
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    return rows[0]?.data_directory;
  } finally {
    await client.end();
  }
}
