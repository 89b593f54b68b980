import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventually } from '../../support/eventually.js';
import { startRedisServer, type RedisServer } from '../../support/redis-server.js';
import { LOOPBACK, serverBinary, startServer, type TestServer } from '../../support/start-server.js';

/** A master with one replica, watched by one sentinel, which is enough to decide a fail-over. */
export interface SentinelGroup {
  readonly name: string;
  readonly sentinel: TestServer;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The port that the sentinel tells as the master's. */
  masterPort(): Promise<number>;
  /** Lets the sentinel make the replica the master, and resolves when it tells so. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

const NAME = 'main';

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const master = await startRedisServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedisServer({ args: ['--replicaof', `${LOOPBACK} ${master.port}`] });
  const sentinel = await startSentinel(master.port);
  const client = new Redis(sentinel.port, LOOPBACK);
  const ask = async (...args: string[]): Promise<unknown> => client.call('SENTINEL', ...args);
  const masterPort = async (): Promise<number> => {
    const [, port] = (await ask('GET-MASTER-ADDR-BY-NAME', NAME)) as string[];
    return Number(port);
  };
  await eventually(async () => JSON.stringify(await ask('REPLICAS', NAME)).includes(`"master-link-status","ok"`), {
    what: 'the sentinel to see the replica in step',
    withinMs: 15_000,
  });
  return {
    name: NAME,
    sentinel,
    master,
    replica,
    masterPort,
    async failOver() {
      await ask('FAILOVER', NAME);
      await eventually(async () => (await masterPort()) === replica.port, { what: 'the fail-over', withinMs: 15_000 });
    },
    async stop() {
      client.disconnect();
      await Promise.all([sentinel, replica, master].map(async (server) => server.stop()));
    },
  };
}

async function startSentinel(masterPort: number): Promise<TestServer> {
  const binary = serverBinary('redis-server');
  return startServer({
    name: 'sentinel',
    async spawn(port, folder) {
      // A sentinel writes what it learns into its configuration file.
      const config = join(folder, 'sentinel.conf');
      const lines = [
        `port ${port}`,
        `bind ${LOOPBACK}`,
        `dir ${folder}`,
        `sentinel monitor ${NAME} ${LOOPBACK} ${masterPort} 1`,
        `sentinel down-after-milliseconds ${NAME} 1000`,
      ];
      writeFileSync(config, `${lines.join('\n')}\n`);
      return spawn(binary, [config, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'] });
    },
    async isOurs(port, pid) {
      const client = new Redis(port, LOOPBACK, { lazyConnect: true, retryStrategy: () => null, disconnectTimeout: 0 });
      client.on('error', () => undefined); // The same failure rejects the call below.
      try {
        return (await client.info('server')).includes(`process_id:${pid}\r\n`);
      } finally {
        client.disconnect();
      }
    },
  });
}
