import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServerBinary } from '../../../scripts/server-binaries.mjs';
import { until } from './clock.mjs';

const LOOPBACK = '127.0.0.1';

/**
 * Ends the server when this process ends, whatever ends it: `read` returns when the pipe closes.
 */
const GUARD = 'read -r _; kill -CONT "$1"; kill -KILL "$1"; rm -rf "$2"';

/** A redis-server of the bench's own, on a free loopback port, in memory only, with its files in a new folder. */
export async function startRedisServer() {
  const binary = findServerBinary('redis-server');
  if (binary === undefined) throw new Error('redis-server is not installed: run `npm run servers`');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'cache-txn-bench-'));
  const args = ['--bind', LOOPBACK, '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn(binary, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const guard = spawn('sh', ['-c', GUARD, 'guard', String(child.pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  /** @type {any} */ (guard.stdin).unref();
  child.once('exit', () => guard.kill('SIGKILL'));

  const client = new Redis({ port, host: LOOPBACK, retryStrategy: (times) => Math.min(times * 10, 100) });
  client.on('error', () => undefined); // Not up yet; the condition below says if it never is.
  await until(async () => (await infoOf(client, 'server', 'process_id')) === child.pid, 'a redis-server of our own', {
    everyMs: 10,
  });
  return {
    port,
    client,
    /** CPU time of the server so far, in microseconds. */
    cpuUs: async () => {
      const info = await client.info('cpu');
      return (numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys')) * 1e6;
    },
    memoryBytes: () => infoOf(client, 'memory', 'used_memory'),
    /** Freezes it, as a long pause of its machine does. */
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async stop() {
      client.disconnect();
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @param {Redis} client
 * @param {string} section
 * @param {string} field
 */
async function infoOf(client, section, field) {
  return numberIn(await client.info(section), field);
}

/**
 * @param {string} info
 * @param {string} field
 */
function numberIn(info, field) {
  return Number(new RegExp(`^${field}:(.*)$`, 'm').exec(info)?.[1]);
}

async function freePort() {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}
