import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { eventually } from '../../support/eventually.js';
import { type HistoryEvent, only } from '../../support/history/event.js';
import { memoryHistory, mergeHistories, type Recorder } from '../../support/history/recorder.js';
import type { ServerAddress } from '../../support/servers/redis-access.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import type { calls, Told } from '../workers/crash.worker.js';
import { type Cell, type Fate, isUnlisted } from './cells.js';
import { type CrashMember, startMember } from './member.js';
import { each, Onlookers, type Seen } from './onlookers.js';
import { Remains } from './remains.js';
import { ServersView } from './servers-view.js';

const WORKER = new URL('../workers/crash.worker.ts', import.meta.url);

/** What is promised: whatever an owner has left is settled so long after the time that it had to decide. */
export const RESOLVED_WITHIN_MS = 2_000;
const POLL_MS = 20;
const THROWN_AT_ONCE = 32;

export interface CrashPlay {
  readonly nodes: readonly ServerAddress[];
  /** In the order of their slots. */
  readonly masters: readonly ServerAddress[];
  /** All decided by slots, or all by a database. */
  readonly cells: readonly Cell[];
  /** Where the PostgreSQL is, for those that it decides. */
  readonly database?: string | undefined;
  /** What a transaction may take until its commit, and with it about how long only its owner may decide. */
  readonly txnMs: number;
  /** Where the processes write their histories. */
  readonly folder: string;
}

/** What became of one transaction. */
export interface Fared extends Seen {
  readonly cell: Cell;
  /** Whether its owner got to the failpoint. */
  readonly isReached: boolean;
  /** What it wrote, and what its caller was told of it. */
  readonly op: string;
  readonly told: Told | undefined;
  /** Who wrote before it, and who while its owner was stopped. */
  readonly before: string | undefined;
  readonly meanwhile: string | undefined;
}

export interface CrashPlayed {
  readonly events: readonly HistoryEvent[];
  readonly fared: readonly Fared[];
}

type CrashWorker = Worker<typeof calls>;

/**
 * A process whose transactions all get to their failpoints: to fail there, to be stopped there all together, and at last to be killed. And
 * another one that looks on.
 */
export class CrashScene {
  private readonly history = memoryHistory('test');
  private readonly recorder: Recorder = this.history.recorder;
  private readonly onlookers: Onlookers;
  private readonly servers: ServersView;
  private readonly remains: Remains;
  private readonly before = new Map<Cell, string>();
  private readonly meanwhile = new Map<Cell, string>();
  private readonly arrived = new Map<string, { readonly op: string; readonly isThere: boolean }>();
  private readonly told = new Map<string, Told>();

  private constructor(
    private readonly options: CrashPlay,
    private readonly namespace: string,
    private readonly member: CrashMember,
    private readonly worker: CrashWorker,
  ) {
    this.servers = new ServersView(options.masters, namespace);
    this.onlookers = new Onlookers(member, this.recorder);
    this.remains = new Remains(this.recorder, options.txnMs + RESOLVED_WITHIN_MS);
  }

  static async play(options: CrashPlay): Promise<CrashPlayed> {
    const namespace = `crash-${randomUUID().slice(0, 8)}`;
    const [member, worker] = await Promise.all([
      startMember({ ...options, namespace }),
      startWorker<typeof calls>(WORKER),
    ]);
    const scene = new CrashScene(options, namespace, member, worker);
    try {
      return await scene.run();
    } finally {
      await worker.stop();
      await member.close();
      scene.servers.close();
    }
  }

  private async run(): Promise<CrashPlayed> {
    const { cells, database, nodes, txnMs } = this.options;
    const { file, namespace, worker } = this;
    const met = (fate: Fate): readonly Cell[] => cells.filter((cell) => cell.fate === fate);
    await Promise.all([worker.call('start', { nodes, database, namespace, txnMs, file }), this.seed()]);
    await this.throw(met('throw'));
    await this.stop(met('stop'));
    await this.kill(met('kill'));
    await this.remains.inStore(this.servers, cells);
    const fared = await each(cells, (cell) => this.fared(cell));
    // Whatever has happened to them, the keys work as those of anybody.
    await each(cells, (cell) => this.onlookers.write(cell));
    await this.remains.ofLocks(this.member, cells);
    const events = mergeHistories(this.history.events, file);
    const begun = only(events, 'begin').filter(({ action }) => action.startsWith('write')).length;
    if (this.member.database) await this.remains.inDatabase(this.member.database, begun);
    return { events: mergeHistories(this.history.events, file), fared };
  }

  private async seed(): Promise<void> {
    const seeded = this.options.cells.filter(({ isSeeded }) => isSeeded);
    await each(seeded, async (cell) => this.before.set(cell, await this.onlookers.write(cell)));
  }

  /** All at once, as a power cut does. */
  private async kill(cells: readonly Cell[]): Promise<void> {
    const { worker } = this;
    await this.watched(cells, async () => {
      await this.begin(cells);
      const deadlines = await this.deadlinesOf(cells);
      process.kill(worker.pid, 'SIGKILL');
      await worker.ended;
      await this.resolved(cells, deadlines);
    });
  }

  /** Longer than they have to decide; then they go on as if nothing had been. */
  private async stop(cells: readonly Cell[]): Promise<void> {
    const { worker } = this;
    await this.watched(cells, async () => {
      await this.begin(cells);
      const deadlines = await this.deadlinesOf(cells);
      worker.pause();
      try {
        await this.resolved(cells, deadlines);
        const overwritten = cells.filter(({ isOverwritten }) => isOverwritten);
        await each(overwritten, async (cell) => this.meanwhile.set(cell, await this.onlookers.write(cell)));
      } finally {
        worker.resume();
      }
      await this.finish();
    });
  }

  /** A part at a time, because nobody has to wait for all others. */
  private async throw(cells: readonly Cell[]): Promise<void> {
    for (let from = 0; from < cells.length; from += THROWN_AT_ONCE) {
      const part = cells.slice(from, from + THROWN_AT_ONCE);
      await this.watched(part, async () => {
        await this.begin(part);
        await this.finish();
      });
    }
    await this.resolved(cells, await this.deadlinesOf(cells));
  }

  private async begin(cells: readonly Cell[]): Promise<void> {
    for (const { cell, ...arrival } of await this.worker.call('begin', cells)) this.arrived.set(cell, arrival);
  }

  private async finish(): Promise<void> {
    for (const told of await this.worker.call('finish')) this.told.set(told.cell, told);
  }

  /** Some of the cells are read all the time meanwhile. */
  private async watched(cells: readonly Cell[], run: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const watching = this.onlookers.watch(new Set(cells.filter(({ isWatched }) => isWatched)), over);
    try {
      await run();
    } finally {
      over.abort();
      await watching;
    }
  }

  /** The latest deadline of the intents of each cell that has any, in ms since 1970. */
  private async deadlinesOf(cells: readonly Cell[]): Promise<ReadonlyMap<Cell, number>> {
    const deadlines = await this.servers.deadlines(cells.flatMap(({ keys }) => keys));
    return new Map(
      cells.flatMap((cell) => {
        const own = cell.keys.flatMap((key) => deadlines.get(key) ?? []);
        return own.length > 0 ? [[cell, Math.max(...own)] as const] : [];
      }),
    );
  }

  /** Waits until no intent is left, and writes down when that was. Who is on no list waits for somebody who reads. */
  private async resolved(cells: readonly Cell[], deadlines: ReadonlyMap<Cell, number>): Promise<void> {
    const listed = cells.filter((cell) => cell.isWatched || !isUnlisted(cell));
    let left = [...deadlines.keys()].filter((cell) => listed.includes(cell));
    const look = async (): Promise<boolean> => {
      const found = await this.deadlinesOf(left);
      for (const cell of left) {
        const afterMs = Date.now() - deadlines.get(cell)!;
        if (!found.has(cell)) this.recorder.record({ kind: 'resolved', what: cell.name, afterMs });
      }
      left = left.filter((cell) => found.has(cell));
      return left.length === 0;
    };
    const untilMs = Math.max(0, ...deadlines.values()) + RESOLVED_WITHIN_MS;
    const withinMs = Math.max(untilMs - Date.now(), POLL_MS);
    await eventually(look, { what: 'the intents to go', withinMs, everyMs: POLL_MS }).catch(() => {
      for (const cell of left) this.recorder.record({ kind: 'leftover', what: `an intent of ${cell.name}` });
    });
    for (const cell of cells) if (!listed.includes(cell)) await this.onlookers.need(cell);
  }

  private async fared(cell: Cell): Promise<Fared> {
    const { op, isThere } = this.arrived.get(cell.name)!;
    return {
      ...{ cell, op, isReached: isThere, told: this.told.get(cell.name), ...(await this.onlookers.see(cell)) },
      ...{ before: this.before.get(cell), meanwhile: this.meanwhile.get(cell) },
    };
  }

  private get file(): string {
    return join(this.options.folder, `${this.namespace}.jsonl`);
  }
}
