import { randomUUID } from 'node:crypto';

import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import { eventually } from '../../support/eventually.js';
import { only, type HistoryEvent } from '../../support/history/event.js';
import { machineMs, memoryHistory, type Recorder } from '../../support/history/recorder.js';
import { serverRemains } from '../../support/history/server-remains.js';
import { observer } from '../../support/servers/redis-access.js';
import type { RedisServer } from '../../support/servers/redis-server.js';
import { isMaster } from './failing-cluster.js';
import { startMember, type Member } from './member.js';
import { Workload } from './workload.js';

/** Servers that a test can break and that come back. */
export interface FailingServers {
  readonly servers: readonly RedisServer[];
  /** Lets everybody go on, starts again who was killed, and resolves when all are in step. */
  heal(): Promise<void>;
}

export interface PlayOptions {
  readonly tag: string;
  readonly random: () => number;
  /** What is done to the servers while the members work; it resolves when somebody can serve them again. */
  readonly fault: () => Promise<void>;
  /** Default 1,000. */
  readonly leaseMs?: number;
}

/** Short, so that a frozen server is given up soon. */
export const COMMAND_MS = 500;
/** A frozen master, a promotion, and a lease that nobody gives back, on a busy machine. */
const RECOVERED_WITHIN_MS = 20_000;
/** Enough that everybody has had the lock. */
const WARM_HOLDS = 10;

/** Members of one application on failing servers, and the history of what they do there. */
export class FailoverScene {
  private constructor(
    readonly members: readonly Member[],
    private readonly namespace: string,
    private readonly failing: FailingServers,
    private readonly socketsOfMember: number,
  ) {}

  /** @param socketsOfMember the most connections that one member needs, whatever happened before */
  static async start(
    failing: FailingServers,
    store: RedisStoreOptions,
    socketsOfMember: number,
    names: readonly string[] = ['ann', 'bob', 'carl'],
  ): Promise<FailoverScene> {
    const namespace = `faults-${randomUUID().slice(0, 8)}`;
    const options = { ...store, commandTimeout: COMMAND_MS };
    const members = await Promise.all(names.map((name) => startMember(name, namespace, options)));
    return new FailoverScene(members, namespace, failing, socketsOfMember);
  }

  /** The history of one fault under load: before it, through it, after it, and healed. */
  async play({ tag, random, fault, leaseMs = 1_000 }: PlayOptions): Promise<HistoryEvent[]> {
    const { recorder, events } = memoryHistory('test');
    const [first] = this.members as readonly [Member];
    const workload = new Workload(this.members, { recorder, tag, commandTimeoutMs: COMMAND_MS, leaseMs, random });
    workload.start();
    try {
      await eventually(() => only(events, 'granted').length >= WARM_HOLDS, { what: 'the members at work' });
      await fault();
      await this.everybodyWorks(events);
      await this.failing.heal();
      await this.everybodyWorks(events);
    } finally {
      await workload.stop();
    }
    await this.tidyUp(first, workload.lockName);
    recorder.record({ kind: 'counted', counter: tag, ...(await workload.counter(first)) });
    await this.recordRemains(recorder, tag);
    return events;
  }

  /** Nobody is restarted: each member has the lock again after it asked from here on. */
  private async everybodyWorks(events: readonly HistoryEvent[]): Promise<void> {
    const sinceMs = machineMs();
    await eventually(
      () => {
        const holders = only(events, 'granted').filter(({ askedAtMs }) => askedAtMs >= sinceMs);
        return new Set(holders.map(({ actor }) => actor)).size === this.members.length;
      },
      { what: 'every member to hold the lock again', withinMs: RECOVERED_WITHIN_MS },
    );
  }

  /** A lock whose holder was told `unknown` ends with its lease; the next one to take it sweeps up after it. */
  private async tidyUp({ locks }: Member, name: string): Promise<void> {
    const lock = await locks.acquire(name, { wait: RECOVERED_WITHIN_MS });
    await lock.release();
  }

  private async recordRemains(recorder: Recorder, tag: string): Promise<void> {
    const remains = async (): Promise<string[]> => {
      const found = await Promise.all(this.failing.servers.map((server) => this.remainsOf(server)));
      // An old master's last words about an earlier play may come back with it; they end with their TTL.
      return [...new Set(found.flat())].filter((what) => what.includes(`{${tag}}`));
    };
    // Whoever leaves a queue is a moment behind.
    await eventually(async () => (await remains()).length === 0, { what: 'nothing to be left' }).catch(async () => {
      for (const what of await remains()) recorder.record({ kind: 'leftover', what });
    });
    const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const most = this.members.length * this.socketsOfMember;
    await eventually(() => sockets() <= most, { what: 'spare sockets to be closed' }).catch(() => undefined);
    recorder.record({ kind: 'sample', phase: 'before', of: 'sockets', count: most });
    recorder.record({ kind: 'sample', phase: 'after', of: 'sockets', count: sockets() });
  }

  /** A replica repeats what its master has, and does not let itself be asked about it. */
  private async remainsOf(server: RedisServer): Promise<string[]> {
    if (!(await isMaster(server))) return [];
    const client = observer(server, { lazyConnect: true });
    try {
      return await serverRemains(client, this.namespace);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}
