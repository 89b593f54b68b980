import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { observer } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { startClient, type FaultClient } from '../client.js';
import { itemOf, read, ttlOf, write, type Shelf, type Work } from './readers-and-writers.js';
import { Rows } from './rows.js';

/** Together more than fits. */
const SHELVES = 8;
const KEYS_OF_A_SHELF = 10;
/** How much of what they take has no room: about a fifth. */
const MISSING_BYTES = 70_000;
/** Long enough for some hundred actions. */
const WORK_MS = 500;
const NAMESPACE = 'evict';

/** A server that is too small for what two applications put into it; one of them has near copies. */
export class FullServer {
  readonly rows = new Rows();
  readonly tally = new Map<string, number>();
  private isOver = false;

  private constructor(
    private readonly server: RedisServer,
    readonly direct: Redis,
    readonly far: FaultClient,
    readonly near: FaultClient,
    readonly shelves: readonly Shelf[],
    readonly random: () => number,
  ) {}

  static async start(policy: string, random: () => number): Promise<FullServer> {
    const server = await startRedisServer({ args: ['--maxmemory-policy', policy, '--maxmemory-samples', '10'] });
    const [far, near] = await Promise.all(
      [false, true].map((near) => startClient({ port: server.port, namespace: NAMESPACE, near })),
    );
    const shelves = Array.from({ length: SHELVES }, (_, i) => ({
      tags: i % 4 === 0 ? [] : [`shelf-${i}`],
      keys: Array.from({ length: KEYS_OF_A_SHELF }, (_, k) => `shelf-${i}:${k}`),
      owner: i % 2 === 0 ? far! : near!,
    }));
    return new FullServer(server, observer(server), far!, near!, shelves, random);
  }

  /** Everybody reads and writes for a while. */
  async work(): Promise<void> {
    this.isOver = false;
    const { rows, tally, shelves, random, near } = this;
    const work: Work = { rows, tally, shelves, random, near, isOver: () => this.isOver };
    const everybody = [
      ...this.shelves.map((shelf) => write(work, shelf)),
      ...Array.from({ length: 4 }, () => [this.far, this.near])
        .flat()
        .map((client) => read(work, client)),
    ];
    await Promise.race([sleep(WORK_MS), Promise.all(everybody)]);
    this.isOver = true;
    await Promise.all(everybody);
  }

  /** Everything has been read and written, and scripts and connections are there: what is used now is what they take. */
  async fill(): Promise<void> {
    await this.work();
    for (const { keys, owner, tags } of this.shelves) {
      for (const key of keys)
        await this.rows.change([key], () =>
          owner.cache.set(key, itemOf(this.rows.get(key)), { ttl: ttlOf(key), tags }),
        );
    }
  }

  /** From now on it has so much room beside what is in it. */
  async limit(spareBytes = -MISSING_BYTES): Promise<void> {
    await this.direct.config('SET', 'maxmemory', (await this.number('used_memory', 'memory')) + spareBytes);
  }

  evicted(): Promise<number> {
    return this.number('evicted_keys', 'stats');
  }

  /** No near copy stays older than what was promised: each message has come. */
  async expectNearCurrent(): Promise<void> {
    for (const key of this.shelves.flatMap(({ keys }) => keys)) {
      await eventually(
        async () => {
          const n = (await this.near.cache.get<{ readonly n: number }>(key))?.n;
          return n === undefined || n >= this.rows.promisedOf(key);
        },
        { what: `the near copy of ${key} is current` },
      );
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.far.close(), this.near.close()]);
    this.direct.disconnect();
    await this.server.stop();
  }

  private async number(name: string, section: string): Promise<number> {
    return Number(new RegExp(`${name}:(\\d+)`).exec(await this.direct.info(section))?.[1]);
  }
}
