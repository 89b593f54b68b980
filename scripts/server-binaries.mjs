import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

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

/** Debian and macOS name it differently; MT is the one for programs with several threads, as Node is. */
const fakeTimeLibraries = ['libfaketimeMT.so.1', 'libfaketimeMT.1.dylib'];

/**
 * The library of `faketime` that gives a process a wall clock of its own.
 *
 * @returns {string | undefined} undefined when this machine has none
 */
export function findFakeTimeLibrary() {
  const program = findServerBinary('faketime');
  if (program === undefined) return undefined;
  const lib = join(dirname(program), '..', 'lib');
  const folders = [lib, ...entriesOf(lib).map((entry) => join(lib, entry))];
  return folders.flatMap((folder) => fakeTimeLibraries.map((name) => join(folder, 'faketime', name))).find(existsSync);
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
