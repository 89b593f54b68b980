import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../support/proxy/fault-proxy.js';
import { only, type HistoryEvent } from '../support/history/event.js';
import { FencedRegister } from '../support/history/fenced-register.js';
import { machineMs, memoryHistory, mergeHistories, type Recorder } from '../support/history/recorder.js';
import { serverRemains } from '../support/history/server-remains.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';
import { SUBJECTS } from './actions.js';
import { startClient, TIMES, type FaultClient, type FaultClientOptions, type Tally } from './client.js';
import { type Round } from './seed.js';
import { Workload, type WorkloadOptions } from './workload.js';

export interface EpisodeOptions extends Pick<WorkloadOptions, 'actions' | 'callers' | 'extraMs'> {
  readonly round: Round;
  /** Further arguments of the server under test. */
  readonly serverArgs?: readonly string[];
  /** Applications in this process. Default 2. */
  readonly clients?: number;
  /** Further applications, which reach the server past the proxy: what happens to the network is not their business. Default 0. */
  readonly spared?: number;
  readonly wrap?: FaultClientOptions['wrap'];
  readonly leaseMs?: number;
}

/** The name under which an episode keeps its keys; its servers are its own. */
export const NAMESPACE = 'fault';
/** A place in a queue, a claim or a lease that nobody cares for ends at the latest after this. */
const FORGOTTEN_MS = 5_000 + TIMES.lease + 2_000;

/**
 * One play of a fault: a server with a proxy before it, applications that work through the proxy, and a register that
 * no fault touches. The order is: start, make trouble, `finish`, check the history.
 */
export class Episode {
  /** Files of other processes' events; `finish` reads them. */
  readonly files: string[] = [];
  readonly clients: FaultClient[] = [];
  readonly workloads: Workload[] = [];
  /** What else must end with the episode, however it ends. */
  readonly others: { stop(): Promise<void> }[] = [];
  private readonly own = memoryHistory('test');

  private constructor(
    readonly options: EpisodeOptions,
    public server: RedisServer,
    readonly registerServer: RedisServer,
    readonly proxy: FaultProxy,
    /** Reaches the server past the proxy, and comes back after a restart. */
    readonly direct: Redis,
  ) {}

  static async start(options: EpisodeOptions): Promise<Episode> {
    const [server, registerServer] = await Promise.all([
      startRedisServer({ args: options.serverArgs ?? [] }),
      startRedisServer(),
    ]);
    const proxy = await startFaultProxy(server.port, { random: options.round.random });
    const direct = new Redis({ host: server.host, port: server.port, retryStrategy: () => 20, disconnectTimeout: 0 });
    direct.on('error', () => undefined); // The server of some faults goes away.
    const episode = new Episode(options, server, registerServer, proxy, direct);
    for (let i = 0; i < (options.clients ?? 2); i += 1) await episode.addClient(`app${i}`, proxy.port);
    for (let i = 0; i < (options.spared ?? 0); i += 1) await episode.addClient(`spared${i}`, server.port);
    return episode;
  }

  get recorder(): Recorder {
    return this.own.recorder;
  }

  get registerPort(): number {
    return this.registerServer.port;
  }

  /** What has happened in this process so far. */
  get events(): readonly HistoryEvent[] {
    return this.own.events;
  }

  /** Resolves when somebody in this process has taken the lock, and written under it, since the call. */
  async writtenByOthers(): Promise<void> {
    const sinceMs = machineMs();
    const hasWritten = (): boolean => {
      const grants = only(this.events, 'granted').filter(({ atMs }) => atMs > sinceMs);
      const isDone = ({ atMs, actor }: (typeof grants)[number]): boolean =>
        only(this.events, 'settle').some((settle) => {
          return settle.actor === actor && settle.atMs > atMs && settle.outcome === 'ok';
        });
      return grants.some(isDone);
    };
    await eventually(hasWritten, { what: 'somebody else to take the lock and write', withinMs: 10_000 });
  }

  /** Heals the network, waits until everything works again, stops the work, and looks at what is there. */
  async finish(): Promise<HistoryEvent[]> {
    await this.proxy.heal();
    await Promise.all(this.workloads.map((workload) => workload.heals()));
    await Promise.all(this.workloads.map((workload) => workload.stop()));
    await Promise.all(this.clients.map((client) => this.close(client)));
    await this.look();
    return mergeHistories(this.own.events, ...this.files);
  }

  /** Ends everything, also in the middle of a failed test. */
  async stop(): Promise<void> {
    await Promise.all(this.others.map((other) => other.stop()));
    await this.proxy.heal();
    await Promise.all(this.workloads.map((workload) => workload.stop()));
    await Promise.all(this.clients.map((client) => client.close()));
    this.direct.disconnect();
    await this.proxy.stop();
    await Promise.all([this.server.stop(), this.registerServer.stop()]);
  }

  private async addClient(name: string, port: number): Promise<void> {
    const { wrap, leaseMs, round, ...work } = this.options;
    const client = await startClient({
      port,
      namespace: NAMESPACE,
      ...(wrap && { wrap }),
      ...(leaseMs && { leaseMs }),
    });
    const seed = Math.floor(round.random() * 2 ** 31);
    this.clients.push(client);
    this.workloads.push(
      new Workload(client, this.recorder.as(name), { ...work, seed, registerPort: this.registerPort }),
    );
  }

  /** Closing an application is a call with a deadline too. */
  private async close(client: FaultClient): Promise<void> {
    await this.recorder.call('close', 2 * TIMES.grace + 2 * TIMES.command + 1_500, () => client.close());
  }

  /** Reads the counters, the ledger and the register, and what was left behind. */
  private async look(): Promise<void> {
    const calm = await startClient({ port: this.server.port, namespace: NAMESPACE });
    for (const counter of [SUBJECTS.counter, SUBJECTS.ledger]) {
      const { count, ops } = (await calm.cache.get<Tally>(counter)) ?? { count: 0, ops: [] };
      this.recorder.record({ kind: 'counted', counter, count, ops: ops.map(({ op }) => op) });
      for (const [seq, { op, fence }] of ops.entries()) {
        if (fence === undefined) continue;
        this.recorder.record({ kind: 'guarded-write', resource: counter, seq, fence, op, isAccepted: true });
      }
    }
    const register = new FencedRegister(this.registerPort, 'register');
    this.own.events.push(...(await register.history()));
    register.close();
    await this.lookForRemains(calm);
    await calm.close();
    await this.lookForConnections();
  }

  /** What a lost lock leaves in its hash the next comer clears away: so everybody's lock is taken once more. */
  private async lookForRemains(calm: FaultClient): Promise<void> {
    const prefix = `${NAMESPACE}:l:`;
    const startedAtMs = machineMs();
    for (const key of await this.direct.keys(`${prefix}*`)) {
      const lock = await calm.locks
        .acquire(key.slice(prefix.length), { wait: FORGOTTEN_MS })
        .catch((error: unknown) => {
          this.recorder.record({ kind: 'leftover', what: `${key} cannot be taken: ${String(error)}` });
        });
      await lock?.release();
    }
    const remains = async (): Promise<string[]> => serverRemains(this.direct, NAMESPACE);
    const leftMs = Math.max(500, startedAtMs + FORGOTTEN_MS - machineMs());
    await eventually(async () => (await remains()).length === 0, { withinMs: leftMs }).catch(() => undefined);
    for (const what of await remains()) this.recorder.record({ kind: 'leftover', what });
  }

  private async lookForConnections(): Promise<void> {
    const open = async (): Promise<number> =>
      String(await this.direct.client('LIST'))
        .trim()
        .split('\n').length - 1;
    await eventually(async () => (await open()) === 0, { withinMs: 2_000 }).catch(() => undefined);
    this.recorder.record({ kind: 'sample', phase: 'before', of: 'connections at the server', count: 0 });
    this.recorder.record({ kind: 'sample', phase: 'after', of: 'connections at the server', count: await open() });
  }
}
