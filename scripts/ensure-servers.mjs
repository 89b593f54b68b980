/**
 * Makes sure that the tests find the servers they start: Redis (7.0 or newer) and PostgreSQL, and the library that lets
 * the wall clock of a process jump. What is missing is installed from Debian's packages where that is possible;
 * otherwise the run stops here with the commands to type.
 * It never lets the tests skip: a guarantee that was not tried is not kept.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { findFakeTimeLibrary, findServerBinary } from './server-binaries.mjs';

const OLDEST_REDIS = 7;

/** @type {{ what: string, debianPackage: string, isReady: () => boolean }[]} */
const servers = [
  { what: `redis-server ${OLDEST_REDIS}.0 or newer`, debianPackage: 'redis-server', isReady: isRedisReady },
  { what: 'PostgreSQL (initdb, postgres)', debianPackage: 'postgresql', isReady: isPostgresReady },
  { what: 'openssl', debianPackage: 'openssl', isReady: () => findServerBinary('openssl') !== undefined },
  { what: 'faketime', debianPackage: 'faketime', isReady: () => findFakeTimeLibrary() !== undefined },
];

/**
 * Debian starts a server when its package is installed. The tests want the programs only, so for the time of the
 * installation the machine's policy says "start nothing" and PostgreSQL is told to create no cluster; both settings are
 * taken away again, and a policy that was there before is left as it is.
 */
const INSTALL = `
set -eu
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/no-main-cluster-for-tests.conf
cleanup() { rm -f "$cluster"; if [ -n "\${ours:-}" ]; then rm -f "$policy"; fi; }
trap cleanup EXIT
if [ ! -e "$policy" ]; then
  ours=yes
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
mkdir -p "\${cluster%/*}"
printf 'create_main_cluster = false\\n' > "$cluster"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "$@"
`;

const missing = servers.filter(({ isReady }) => !isReady());
if (missing.length > 0) {
  const packages = missing.map(({ debianPackage }) => debianPackage);
  console.log(`Missing for the tests: ${missing.map(({ what }) => what).join(', ')}.`);
  const shell = rootShell();
  if (shell === undefined)
    stop('It cannot be installed from here: that takes apt-get, and root or sudo without a password.');
  console.log(`Installing the Debian packages ${packages.join(', ')} (no service is started) ...`);
  const { status } = spawnSync(shell.command, [...shell.args, '-c', INSTALL, 'sh', ...packages], { stdio: 'inherit' });
  if (status !== 0) stop('apt-get failed; its messages are above.');
  const stillMissing = servers.filter(({ isReady }) => !isReady());
  if (stillMissing.length > 0)
    stop(`After the installation still missing: ${stillMissing.map(({ what }) => what).join(', ')}.`);
}
for (const name of ['redis-server', 'postgres', 'faketime']) console.log(`${name}: ${findServerBinary(name)}`);

function isRedisReady() {
  const binary = findServerBinary('redis-server');
  if (binary === undefined) return false;
  const version = /v=(\d+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1];
  return Number(version) >= OLDEST_REDIS;
}

function isPostgresReady() {
  return findServerBinary('initdb') !== undefined && findServerBinary('postgres') !== undefined;
}

/**
 * A shell with the right to install packages.
 *
 * @returns {{ command: string, args: string[] } | undefined} undefined when this user has none, or there is no apt-get
 */
function rootShell() {
  if (findServerBinary('apt-get') === undefined) return undefined;
  if (process.getuid?.() === 0) return { command: 'sh', args: [] };
  const mayBecomeRoot = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return mayBecomeRoot ? { command: 'sudo', args: ['-n', 'sh'] } : undefined;
}

/**
 * @param {string} reason
 * @returns {never}
 */
function stop(reason) {
  console.error(`${reason}

Install the servers, then run the tests again:
  Debian, Ubuntu   sudo apt-get update && sudo apt-get install -y redis-server postgresql faketime openssl
  macOS            brew install redis postgresql@17 libfaketime openssl
  Docker           docker run --rm -it -v "$PWD":/app -v /app/node_modules -w /app node:20-bookworm sh -c 'npm ci && npm test'
`);
  process.exit(1);
}
