import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { existsSync } from 'node:fs';

import { eventually } from '../support/eventually.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';
import { startWorker } from '../support/processes/worker.js';
import type { calls } from './workers/server-owner.worker.js';

describe('a redis-server of the tests', () => {
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await startRedisServer({ args: ['--maxmemory-policy', 'noeviction'] });
    client = new Redis(server.url);
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  it('answers on a port whose cluster bus port is below the kernel’s own', async () => {
    expect(await client.ping()).toBe('PONG');
    expect(server.port).toBeLessThan(22_700);
  });

  it('takes further options', async () => {
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  });

  it('answers nothing while it is paused, and goes on afterwards', async () => {
    const impatient = new Redis(server.url, { commandTimeout: 50 });
    await impatient.ping();

    server.pause();
    await expect(impatient.ping()).rejects.toThrow('timed out');
    server.resume();

    await expect(client.ping()).resolves.toBe('PONG');
    impatient.disconnect();
  });

  it('is gone after stop, with its folder, even when it was paused, and can come back on the same port', async () => {
    const first = await startRedisServer();
    expect(existsSync(first.folder)).toBe(true);

    first.pause();
    await first.stop();

    expect(first.hasEnded()).toBe(true);
    expect(existsSync(first.folder)).toBe(false);
    const second = await startRedisServer({ port: first.port });
    expect(second.port).toBe(first.port);
    await second.stop();
  });

  it('refuses to be mistaken for a stranger on the same port', async () => {
    await expect(startRedisServer({ port: server.port })).rejects.toThrow('Address already in use');
  });

  it('reports an end of its own', async () => {
    const other = await startRedisServer();
    process.kill(other.pid, 'SIGKILL');
    await eventually(() => other.hasEnded());
    await other.stop();
  });

  it('does not outlive the process that started it, whatever ended that', async () => {
    const owner = await startWorker<typeof calls>(new URL('./workers/server-owner.worker.ts', import.meta.url));
    const { port, folder } = await owner.call('startAndPause');

    await owner.stop();

    await eventually(() => !existsSync(folder), { what: 'the folder to be removed' });
    const successor = await startRedisServer({ port });
    await successor.stop();
  });
});
