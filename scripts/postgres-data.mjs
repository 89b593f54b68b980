import { execFile } from 'node:child_process';
import { chownSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findServerBinary } from './server-binaries.mjs';

const INITDB_ARGS = ['--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'];

/**
 * What runs PostgreSQL's programs: none means this process' own user. PostgreSQL refuses to run as root; where we do (containers),
 * it runs as the user made for it, or as nobody.
 *
 * @returns {{ uid: number, gid: number } | undefined}
 */
export function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = ['postgres', 'nobody'].map((name) => users.find((fields) => fields[0] === name)).find(Boolean);
  if (!user)
    throw new Error('Running as root, and there is neither a user postgres nor nobody to start PostgreSQL as.');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/**
 * Makes the data of a PostgreSQL in `folder`, unless they are there: superuser and database `postgres`, no password. The folder
 * then belongs to {@link unprivilegedUser}.
 *
 * @param {string} folder
 * @param {readonly string[]} [further] arguments of initdb
 */
export async function makePostgresData(folder, further = []) {
  const initdb = findServerBinary('initdb');
  if (initdb === undefined) throw new Error('initdb is not installed: run `npm run servers`.');
  const user = unprivilegedUser();
  if (user) chownSync(folder, user.uid, user.gid);
  if (existsSync(join(folder, 'PG_VERSION'))) return;
  await promisify(execFile)(initdb, ['--pgdata', folder, ...INITDB_ARGS, ...further], { ...user, cwd: folder });
}
