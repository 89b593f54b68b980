import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServerBinary } from '../../../scripts/server-binaries.mjs';
import { until } from './clock.mjs';
import { freePort, LOOPBACK, ownServer } from './own-server.mjs';

/**
 * A redis-server of the bench's own, on a free loopback port, in memory only, with its files in a new folder.
 *
 * @param {readonly string[]} [further] command-line options
 */
export async function startRedisServer(further = []) {
  const binary = findServerBinary('redis-server');
  if (binary === undefined) throw new Error('redis-server is not installed: run `npm run servers`');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'cache-txn-bench-'));
  const args = ['--bind', LOOPBACK, '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn(binary, [...args, ...further], { stdio: 'ignore' });
  const owned = ownServer(child, folder);

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
    /** Commands that it has run so far, scripts' own included. */
    commands: () => infoOf(client, 'stats', 'total_commands_processed'),
    memoryBytes: () => infoOf(client, 'memory', 'used_memory'),
    /** Freezes it, as a long pause of its machine does. */
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async stop() {
      client.disconnect();
      await owned.stop();
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
