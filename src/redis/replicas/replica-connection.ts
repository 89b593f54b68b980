import type { ChainableCommander, Redis } from 'ioredis';
import { StoreUnavailableError } from '../../base/errors.js';
import { withoutSecrets } from '../connection/safe-error.js';
import { parseInfo } from '../connection/server-check.js';

/** The mark only has to be a write; nobody reads it. */
const MARK_KEPT_MS = 1_000;

/** Where a server shows that it has a step of a commit. */
export interface Proof {
  readonly key: string;
  /** Of a hash; the whole of a string without it. */
  readonly field?: string;
  readonly isGiven: (value: string | null) => boolean;
}

/** What a master says of its replicas. */
export interface KnownReplicas {
  /** Changes when another server becomes master: what was known of the replicas of the last one counts no more. */
  readonly history: string;
  readonly replicas: number;
  /** Counted are all that belong to the master, as a cluster knows them; otherwise those that are connected and in step. */
  readonly isComplete: boolean;
}

/** How far the replicas are with what the server had when it was asked. */
export interface Reached {
  readonly online: number;
  readonly acknowledged: number;
  /** For each of the proofs whether the server, which is a master, has it. */
  readonly proofs: readonly boolean[];
}

/** The connection of one master that WAIT may block. It is used up once it was lost, or did not answer in time. */
export class ReplicaConnection {
  constructor(
    private readonly client: Redis,
    private readonly answersWithinMs: number,
    private readonly isCluster: boolean,
  ) {
    // The same failure rejects the command that meets it, and the connection for commands tells of an outage.
    client.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return this.client.status === 'ready';
  }

  async open(): Promise<void> {
    await this.inTime(this.client.connect(), 0);
  }

  /** Also refuses at the boot, and not at the first commit, a user that may not wait. */
  async learn(): Promise<KnownReplicas> {
    const commands = this.client.pipeline().info('replication').wait(0, 1);
    if (this.isCluster) commands.cluster('NODES');
    const [info, , nodes] = await this.run(commands, 0);
    const replication = parseInfo(textOf(info));
    const history = replication.get('master_replid') ?? '';
    const isComplete = nodes !== undefined;
    return { history, replicas: isComplete ? replicasOfMyself(textOf(nodes)) : onlineOf(replication), isComplete };
  }

  /**
   * A write after those that are proved, and how many replicas have it within `waitMs`: the replication stream is ordered, so
   * whoever has the last write of a master has all before it.
   */
  async ask(mark: string, proofs: readonly Proof[], replicas: number, waitMs: number): Promise<Reached> {
    // The mark first: only a master takes it. The proofs after it: what the same server still has was there before.
    const commands = this.client.pipeline().set(mark, '', 'PX', MARK_KEPT_MS);
    for (const { key, field } of proofs) {
      if (field === undefined) commands.get(key);
      else commands.hget(key, field);
    }
    commands.info('replication').wait(replicas, waitMs);
    const answers = await this.run(commands, waitMs, (i) => i > 0 && i <= proofs.length);
    const values = answers.slice(1, -2);
    return {
      online: onlineOf(parseInfo(textOf(answers.at(-2)))),
      acknowledged: Number(answers.at(-1)),
      proofs: proofs.map(({ isGiven }, i) => {
        const value = values[i];
        return value !== undefined && isGiven(value === null ? null : textOf(value));
      }),
    };
  }

  close(): void {
    this.client.disconnect();
  }

  /** The answers in order; undefined where a command failed that may fail, such as a key that lives elsewhere by now. */
  private async run(
    commands: ChainableCommander,
    waitMs: number,
    mayFail: (index: number) => boolean = () => false,
  ): Promise<readonly unknown[]> {
    const answers = (await this.inTime(commands.exec(), waitMs)) ?? [];
    return answers.map(([error, answer], i) => {
      if (error === null) return answer;
      if (mayFail(i)) return undefined;
      throw withoutSecrets(error);
    });
  }

  /** ioredis can leave a promise pending for ever (redis/ioredis#2193), and everybody behind it would wait as long. */
  private inTime<T>(answer: Promise<T>, waitMs: number): Promise<T> {
    const limitMs = waitMs + this.answersWithinMs;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.close();
        reject(new StoreUnavailableError(`Redis did not say within ${limitMs} ms how far its replicas are`));
      }, limitMs);
      answer
        .then(resolve, (error: unknown) => {
          reject(withoutSecrets(error));
        })
        .finally(() => {
          clearTimeout(timer);
        });
    });
  }
}

function textOf(answer: unknown): string {
  return typeof answer === 'string' ? answer : '';
}

/** Replicas that take part in the stream: one that still copies the whole cannot acknowledge anything. */
function onlineOf(replication: ReadonlyMap<string, string>): number {
  return [...replication].filter(([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online')).length;
}

/** How many replicas the asked node has by CLUSTER NODES, whether they are connected or not. */
export function replicasOfMyself(nodes: string): number {
  const lines = nodes.split('\n').map((line) => line.split(' '));
  const [id] = lines.find(([, , flags]) => flags?.split(',').includes('myself')) ?? [];
  return lines.filter(([, , , master]) => id !== undefined && master === id).length;
}
