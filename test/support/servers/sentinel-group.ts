import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventually } from '../eventually.js';
import { observer, redisAccess } from './redis-access.js';
import type { FurtherNeed } from './documented-user.js';
import { startRedisServer, tlsArgs, type RedisServer } from './redis-server.js';
import { LOOPBACK, serverBinary, startServer, type TestServer } from './start-server.js';

/** A master with one replica, watched by one sentinel, which is enough to decide a fail-over. */
export interface SentinelGroup {
  readonly name: string;
  readonly sentinel: TestServer;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The port that the sentinel tells as the master's. */
  masterPort(): Promise<number>;
  /** Lets the sentinel make the present replica the master, and resolves when it tells so. */
  failOver(): Promise<void>;
  /** Starts a server again that has ended: on the same port, empty, and as a replica of the present master. */
  restart(ended: RedisServer): Promise<RedisServer>;
  stop(): Promise<void>;
}

const NAME = 'main';

export interface SentinelGroupOptions {
  /** A server silent for this long is believed dead. Default 1,000. */
  readonly downAfterMs?: number;
  /** What the library's user needs beside what every store does. */
  readonly needs?: readonly FurtherNeed[];
}

export async function startSentinelGroup(options: SentinelGroupOptions = {}): Promise<SentinelGroup> {
  const { downAfterMs = 1_000, needs = [] } = options;
  const master = await startRedisServer({ needs, args: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedisServer({
    needs,
    args: ['--replicaof', `${LOOPBACK} ${master.port}`, '--repl-diskless-sync-delay', '0'],
  });
  const sentinel = await startSentinel(master.port, downAfterMs);
  const restarted: RedisServer[] = [];
  const client = observer(sentinel);
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
      const before = await masterPort();
      // It refuses while the last one is not over, and until it has seen that the replica is in step.
      await eventually(() => ask('FAILOVER', NAME), { what: 'the sentinel to begin', withinMs: 15_000, everyMs: 100 });
      await eventually(async () => (await masterPort()) !== before, { what: 'the fail-over', withinMs: 15_000 });
    },
    async restart({ port }) {
      const of = `${LOOPBACK} ${await masterPort()}`;
      const again = await startRedisServer({ args: ['--replicaof', of, '--repl-diskless-sync-delay', '0'], port });
      restarted.push(again);
      return again;
    },
    async stop() {
      client.disconnect();
      await Promise.all([sentinel, replica, master, ...restarted].map(async (server) => server.stop()));
    },
  };
}

async function startSentinel(masterPort: number, downAfterMs: number): Promise<TestServer> {
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
        `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
        // Twice as long after a fail-over, it does not begin another one of itself.
        `sentinel failover-timeout ${NAME} 2000`,
      ];
      writeFileSync(config, `${lines.join('\n')}\n`);
      const door = redisAccess() === 'tls' ? tlsArgs(port, folder) : [];
      return spawn(binary, [config, ...door, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'] });
    },
    async isOurs(port, pid) {
      const client = observer({ port }, { lazyConnect: true, retryStrategy: () => null, disconnectTimeout: 0 });
      client.on('error', () => undefined); // The same failure rejects the call below.
      try {
        return (await client.info('server')).includes(`process_id:${pid}\r\n`);
      } finally {
        client.disconnect();
      }
    },
  });
}
