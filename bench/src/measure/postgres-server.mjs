import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { makePostgresData, unprivilegedUser } from '../../../scripts/postgres-data.mjs';
import { findServerBinary } from '../../../scripts/server-binaries.mjs';
import { until } from './clock.mjs';
import { freePort, LOOPBACK, ownServer } from './own-server.mjs';
import { quantile } from './statistics.mjs';

/** Where it listens, and nothing else: durability is as PostgreSQL comes (`fsync` and `synchronous_commit` on). */
const SETTINGS = ['-c', `listen_addresses=${LOOPBACK}`, '-c', 'unix_socket_directories='];

/** What PostgreSQL writes at once. */
const BLOCK = Buffer.alloc(8_192, 1);

/** A PostgreSQL of the bench's own, on a free loopback port, with its data in a new folder and its default durability. */
export async function startPostgresServer() {
  const binary = findServerBinary('postgres');
  if (binary === undefined) throw new Error('postgres is not installed: run `npm run servers`');
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'cache-txn-bench-postgres-'))];
  await makePostgresData(folder);
  const args = ['-D', folder, '-p', String(port), ...SETTINGS];
  const child = spawn(binary, args, { ...unprivilegedUser(), cwd: folder, stdio: 'ignore' });
  // Not SIGKILL: the server gives back its shared memory, which would outlive it.
  const owned = ownServer(child, folder, 'SIGQUIT');
  const url = `postgres://postgres@${LOOPBACK}:${port}/postgres`;
  const setting = async (/** @type {string} */ name) => String((await one(url, `SHOW ${name}`))?.[name]);
  const isUp = () =>
    setting('data_directory').then(
      (data) => data === folder,
      () => false,
    );
  try {
    await until(isUp, 'a PostgreSQL of our own', { everyMs: 50, withinMs: 30_000 });
  } catch (error) {
    await owned.stop();
    throw error;
  }
  return {
    url,
    version: await setting('server_version'),
    durability: { fsync: await setting('fsync'), synchronousCommit: await setting('synchronous_commit') },
    /** What the disk takes for a block of its log, in milliseconds. */
    fsyncMs: () => fsyncMs(folder),
    query: (/** @type {string} */ sql) => one(url, sql),
    stop: () => owned.stop(),
  };
}

/**
 * The first row, on a connection of its own.
 *
 * @param {string} url
 * @param {string} sql
 * @returns {Promise<Record<string, unknown> | undefined>}
 */
async function one(url, sql) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined); // The same failure rejects a call below.
  try {
    await client.connect();
    return (await client.query(sql)).rows?.[0];
  } finally {
    await client.end();
  }
}

/** The middle of some writes that wait for the disk. @param {string} folder */
function fsyncMs(folder) {
  const file = openSync(join(folder, 'fsync-of-the-bench'), 'w');
  try {
    writeSync(file, Buffer.alloc(64 * BLOCK.length), 0, 64 * BLOCK.length, 0); // PostgreSQL's log has its size already.
    fdatasyncSync(file);
    const took = Array.from({ length: 50 }, (_, i) => {
      const beganMs = performance.now();
      writeSync(file, BLOCK, 0, BLOCK.length, i * BLOCK.length);
      fdatasyncSync(file);
      return performance.now() - beganMs;
    });
    return quantile(took, 0.5);
  } finally {
    closeSync(file);
  }
}
