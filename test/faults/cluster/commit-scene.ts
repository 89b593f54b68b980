import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import { eventually } from '../../support/eventually.js';
import type { HistoryEvent } from '../../support/history/event.js';
import { machineMs, Recorder } from '../../support/history/recorder.js';
import { serverRemains } from '../../support/history/server-remains.js';
import { clusterStoreOptions, observer } from '../../support/servers/redis-access.js';
import { isMaster, type FailingCluster } from './failing-cluster.js';
import { SETTLES_WITHIN_MS } from './list-append.js';
import { startTxnMember, type TxnMember } from './txn-member.js';

/** What the members do, over and over. It never rejects: what becomes of it is in the history. */
export type Step = (member: TxnMember, recorder: Recorder) => Promise<void>;

/** It resolves when somebody can serve the members again. */
export type CommitFault = (scene: CommitScene, random: () => number) => Promise<void>;

export interface CommitPlay {
  readonly cluster: FailingCluster;
  readonly step: Step;
  /** Successful steps before the fault, and as many after it. */
  readonly least: number;
  readonly fault?: CommitFault | undefined;
  /**
   * Whether the servers lose acknowledged writes. With the TTL of a decision, or the note that its transaction is open, goes
   * whatever would end the decision: it may stay for ever. Default false.
   */
  readonly losesWrites?: boolean;
  /**
   * Whether a prepared write may be there of a transaction that is on no list: its owner was killed between two messages that
   * it sent at the same time. It waits for whoever reads the key. Default: whether the servers lose writes.
   */
  readonly leavesStrays?: boolean;
  /** Looks at everything, with a member that lives, when all others have settled. */
  readonly lookAtAll: (member: TxnMember) => Promise<void>;
  readonly random: () => number;
}

/** What was written down, for the checkers. */
export interface Played {
  readonly events: readonly HistoryEvent[];
  /** Members and processes that were killed. */
  readonly killed: readonly string[];
  readonly okPerSecond: number;
  /** Decisions that nobody will ever take away; counted where servers lose writes, and a leftover elsewhere. */
  readonly keptDecisions: number;
}

/** Short, so that a frozen server is given up soon. */
export const COMMAND_MS = 500;
const NAMES = ['ann', 'bob', 'carl'];
/** Callers in one member at the same time. */
const CALLERS = 3;
/** A promotion, and the time of a transaction that nobody decides, on a busy machine. */
const RECOVERED_WITHIN_MS = 20_000;

/** Members of one application that commit over several masters while these, or they themselves, fail. */
export class CommitScene {
  readonly namespace = `commits-${randomUUID().slice(0, 8)}`;
  readonly killed: string[] = [];
  readonly members: TxnMember[] = [];
  private readonly events: HistoryEvent[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly recorder: Recorder;
  private readonly storeOptions: RedisStoreOptions;
  private oks = 0;

  private constructor(private readonly options: CommitPlay) {
    this.storeOptions = { ...clusterStoreOptions(options.cluster), commandTimeout: COMMAND_MS };
    this.recorder = new Recorder('test', (event) => {
      this.events.push(event);
      if (event.kind === 'settle' && event.outcome === 'ok') this.oks += 1;
    });
  }

  /** The history of one fault under load: before it, through it, after it, and healed. */
  static async play(options: CommitPlay): Promise<Played> {
    const scene = new CommitScene(options);
    try {
      return await scene.run();
    } finally {
      scene.stopping.abort();
      await Promise.all(scene.members.map((member) => member.stop()));
    }
  }

  get living(): readonly TxnMember[] {
    return this.members.filter(({ death }) => !death.aborted);
  }

  /** One more member that begins to work. */
  async join(name: string): Promise<TxnMember> {
    const member = await startTxnMember(name, this.namespace, this.storeOptions);
    this.members.push(member);
    for (let caller = 1; caller <= CALLERS; caller += 1) this.work(member, this.recorder.as(`${name}/${caller}`));
    return member;
  }

  /** Resolves when so many more steps have succeeded. */
  async succeed(more: number): Promise<void> {
    const from = this.oks;
    await eventually(() => this.oks >= from + more, {
      what: `${more} more successful steps`,
      withinMs: RECOVERED_WITHIN_MS + 50 * more,
    });
  }

  private async run(): Promise<Played> {
    const { cluster, fault, least, lookAtAll, losesWrites = false, leavesStrays = losesWrites, random } = this.options;
    await Promise.all(NAMES.map((name) => this.join(name)));
    const startedAtMs = machineMs();
    await this.succeed(least);
    const okPerSecond = (1_000 * least) / (machineMs() - startedAtMs);
    if (fault) {
      await fault(this, random);
      await this.succeed(least);
      await cluster.heal();
      await this.everybodyWorks();
    }
    this.stopping.abort();
    await this.settle();
    const look = (): Promise<void> =>
      eventually(() => lookAtAll(this.living[0]!), { what: 'a look at everything', withinMs: RECOVERED_WITHIN_MS });
    if (leavesStrays) await look();
    const keptDecisions = await this.recordRemains();
    // Whoever looks settles what it meets: nothing may be left for it.
    if (!leavesStrays) await look();
    for (const { death, name, reports } of this.members) {
      if (death.aborted) this.killed.push(name);
      else
        for (const { error, origin } of reports)
          if (!isAway(error)) this.incident(`${name}, ${origin.during}: ${String(error)}`);
    }
    return { events: this.events, killed: this.killed, okPerSecond, keptDecisions };
  }

  private work(member: TxnMember, recorder: Recorder): void {
    const { random, step } = this.options;
    const isOver = (): boolean => this.stopping.signal.aborted || member.death.aborted;
    const died = new Promise<void>((resolve) => {
      member.death.addEventListener('abort', () => resolve(), { once: true });
    });
    const loop = async (): Promise<void> => {
      while (!isOver()) {
        await Promise.race([step(member, recorder), died]);
        await sleep(random() * 3);
      }
    };
    const running = loop().finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** A call that never settles must not keep the test from telling of it. */
  private async settle(): Promise<void> {
    await eventually(() => this.running.size === 0, {
      what: 'the calls to settle',
      withinMs: 2 * SETTLES_WITHIN_MS,
    }).catch((error: unknown) => this.incident(String(error)));
  }

  /** Nobody is restarted: each member that lives has succeeded after it asked from here on. */
  private async everybodyWorks(): Promise<void> {
    const from = this.events.length;
    const haveWorked = (): boolean => {
      const since = this.events.slice(from);
      const begun = new Set(since.flatMap((event) => (event.kind === 'begin' ? [event.op] : [])));
      const oks = since.filter((event) => event.kind === 'settle' && event.outcome === 'ok' && begun.has(event.op));
      const names = new Set(oks.map(({ actor }) => actor.split('/')[0]));
      return this.living.every(({ name }) => names.has(name));
    };
    await eventually(haveWorked, { what: 'everybody to work again', withinMs: RECOVERED_WITHIN_MS });
  }

  /** Answers how many decisions will stay for ever where that is tolerated. */
  private async recordRemains(): Promise<number> {
    let kept = 0;
    const remains = async (): Promise<string[]> => {
      const found = await Promise.all(this.options.cluster.servers.map((server) => this.remainsOf(server)));
      // The lock of a dead holder ends with its lease, and whoever takes it next sweeps up after it.
      const all = found.flat().filter((what) => !what.startsWith('field '));
      const judged = this.options.losesWrites ? all.filter((what) => !what.startsWith('outcome record ')) : all;
      kept = all.length - judged.length;
      return judged;
    };
    await eventually(async () => (await remains()).length === 0, {
      what: 'nothing to be left',
      withinMs: RECOVERED_WITHIN_MS,
      everyMs: 50,
    }).catch(async () => {
      for (const what of await remains()) this.recorder.record({ kind: 'leftover', what });
    });
    return kept;
  }

  /** A replica repeats what its master has. */
  private async remainsOf(server: { readonly host: string; readonly port: number }): Promise<string[]> {
    if (!(await isMaster(server))) return [];
    const client = observer(server, { lazyConnect: true });
    try {
      return await serverRemains(client, this.namespace);
    } finally {
      client.disconnect();
    }
  }

  private incident(what: string): void {
    this.recorder.record({ kind: 'incident', what });
  }
}

/** Nobody has to be told by the library that the servers fail. */
function isAway(error: unknown): boolean {
  return error instanceof StoreUnavailableError || error instanceof StoreTimeoutError;
}
