import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Where packagers put PostgreSQL's server programs, which are seldom on the PATH: Debian and Homebrew keep one folder
 * per major version, so that several can be installed side by side.
 */
const versionedFolders = [
  { parent: '/usr/lib/postgresql', bin: 'bin' },
  { parent: '/opt/homebrew/opt', bin: 'bin', prefix: 'postgresql@' },
  { parent: '/usr/local/opt', bin: 'bin', prefix: 'postgresql@' },
];

/**
 * The absolute path of a server program: first on the PATH, then in the folders of PostgreSQL, newest version first.
 *
 * @param {string} name for example `redis-server` or `initdb`
 * @returns {string | undefined} undefined when this machine has none
 */
export function findServerBinary(name) {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...onPath, ...versionedFolders.flatMap(binFolders)].map((folder) => join(folder, name)).find(isExecutable);
}

/** @param {{ parent: string, bin: string, prefix?: string }} place */
function binFolders({ parent, bin, prefix = '' }) {
  return entriesOf(parent)
    .filter((entry) => entry.startsWith(prefix) && /^\d+$/.test(entry.slice(prefix.length)))
    .sort((a, b) => Number(b.slice(prefix.length)) - Number(a.slice(prefix.length)))
    .map((entry) => join(parent, entry, bin));
}

/** @param {string} folder */
function entriesOf(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Not this kind of machine.
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
