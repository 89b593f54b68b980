import { execFile, spawn } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';

import { LOOPBACK, serverBinary, startServer, type TestServer } from './start-server.js';

/** A real PostgreSQL server of this test, on loopback, with its own data and without a password. */
export interface PostgresServer extends TestServer {
  /** Of the superuser `postgres` and the database `postgres`. */
  readonly url: string;
}

const INITDB_ARGS = ['--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale', '--no-sync'];

/** Nothing here has to survive a crash of the machine, so no write waits for the disk. */
const SETTINGS = [
  ...['-c', `listen_addresses=${LOOPBACK}`, '-c', 'unix_socket_directories='],
  ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
];

/** Creates the data folder and starts a server on it; a second or two. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const [initdb, postgres] = [serverBinary('initdb'), serverBinary('postgres')];
  const user = unprivilegedUser();
  const server = await startServer({
    name: 'postgres',
    // Not SIGKILL: the server gives back its shared memory, which would outlive it.
    endWith: 'SIGQUIT',
    async spawn(port, folder) {
      if (user) chownSync(folder, user.uid, user.gid);
      await promisify(execFile)(initdb, ['--pgdata', folder, ...INITDB_ARGS], { ...user, cwd: folder });
      const args = ['-D', folder, '-p', String(port), ...SETTINGS];
      return spawn(postgres, args, { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    },
    isOurs: async (port, _pid, folder) => (await dataFolderOf(urlOf(port))) === folder,
  });
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

/** PostgreSQL refuses to run as root; where the tests do (containers), it runs as the user made for it, or as nobody. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = ['postgres', 'nobody'].map((name) => users.find((fields) => fields[0] === name)).find(Boolean);
  if (!user)
    throw new Error('Running as root, and there is neither a user postgres nor nobody to start PostgreSQL as.');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}
