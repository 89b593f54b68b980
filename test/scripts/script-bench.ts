import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';

import { loadScript } from '../../src/redis/commands/script.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';

/** Everything Redis keeps under one key: two equal snapshots mean that nothing was written in between. */
export interface KeySnapshot {
  readonly type: string;
  /** The serialized value, or null when the key is absent. */
  readonly dump: string | null;
  /** Server time in ms; -1 without a TTL, -2 when the key is absent. */
  readonly expiresAtMs: number;
}

/** The real Lua files on a real server, called as the store calls them, with raw replies. */
export class ScriptBench {
  private uniques = 0;

  constructor(
    readonly server: RedisServer,
    readonly client: Redis,
  ) {}

  /** EVALSHA, with the script made known first; rejects with the server's own error. */
  async run(
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
    client = this.client,
  ): Promise<unknown> {
    const { source, sha1 } = loadScript(script);
    await client.script('LOAD', source);
    return client.evalsha(sha1, keys.length, ...keys, ...args);
  }

  /** A string nobody else on this server uses. */
  unique(what: string): string {
    this.uniques += 1;
    return `${what}-${this.uniques}`;
  }

  async snapshot(keys: readonly string[]): Promise<KeySnapshot[]> {
    return Promise.all(
      keys.map(async (key) => {
        // The types know no absent key.
        const dump = (await this.client.dumpBuffer(key)) as Buffer | null;
        return {
          type: await this.client.type(key),
          dump: dump?.toString('base64') ?? null,
          expiresAtMs: await this.client.pexpiretime(key),
        };
      }),
    );
  }

  /** The server's clock in microseconds, the only one that decides. */
  async timeUs(): Promise<number> {
    const [seconds, micros] = await this.client.time();
    return Number(seconds) * 1_000_000 + Number(micros);
  }

  async timeMs(): Promise<number> {
    return Math.floor((await this.timeUs()) / 1_000);
  }
}

/** A server for the specs of this file; the function gives the bench once the tests run. */
export function useScriptBench(): () => ScriptBench {
  let bench: ScriptBench;

  beforeAll(async () => {
    const server = await startRedisServer();
    bench = new ScriptBench(server, new Redis(server.url));
  });

  afterAll(async () => {
    bench.client.disconnect();
    await bench.server.stop();
  });

  return () => bench;
}
