import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { present } from '../../../src/base/assert.js';
import { markerTableSql } from '../../../src/pg/marker-table.js';
import { MAX_SEED } from '../../../src/testing/seeded-random.js';
import { eventually } from '../../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../../support/proxy/fault-proxy.js';
import type { Outcome } from '../../support/history/event.js';
import { machineMs } from '../../support/history/recorder.js';
import { serverRemains } from '../../support/history/server-remains.js';
import { NO_READS, together, type StalenessFigures } from '../../support/history/staleness.js';
import type { LastingPostgres } from '../../support/servers/lasting-postgres.js';
import { observer } from '../../support/servers/redis-access.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { isMaster, type FailingCluster } from '../cluster/failing-cluster.js';
import { between } from '../seed.js';
import type { calls, Tallied } from '../workers/shop.worker.js';
import type { PlantedBug } from './planted-bugs.js';
import { startShop, type Shop, type ShopOptions } from './shop.js';
import { makeStock, STOCK, stockRows, type Stocked } from './stock.js';
import { bookProblems, transferOutcomes } from './transfers.js';

export type ShopProcess = Worker<typeof calls>;

/** It resolves when writers can work again. */
export type ObservedFault = (scene: ObservedScene, random: () => number) => Promise<void>;

export interface ObservedPlay {
  readonly cluster: FailingCluster;
  readonly postgres: LastingPostgres;
  readonly random: () => number;
  /** Reads before the fault, and as many after it. */
  readonly least: number;
  readonly faults: readonly ObservedFault[];
  /** What is wrong with the library of all processes. */
  readonly bug?: PlantedBug;
}

/** What was observed, and what is there when nobody writes any more. */
export interface Observed {
  readonly seen: StalenessFigures;
  readonly writes: Tallied;
  /** Committed changes of rows. */
  readonly changes: number;
  readonly failedReads: Tallied;
  /** Entries that never came to agree with their rows. */
  readonly different: readonly string[];
  readonly remains: readonly string[];
  readonly notes: readonly string[];
  /** Processes that nobody has killed, and that are dead. */
  readonly incidents: readonly string[];
  /** What is wrong with the transfers. */
  readonly books: readonly string[];
  readonly transfers: Readonly<Record<Outcome, number>>;
  /** From the end of the last write until everything agreed. */
  readonly calmAfterMs: number;
}

const WORKER = new URL('../workers/shop.worker.ts', import.meta.url);
const [WRITERS, WRITING_CALLERS, OBSERVING_CALLERS] = [2, 3, 2];
const WITHIN_MS = 30_000;
/** At most so many entries are read for each row that is changed. */
const READS_OF_CHANGE = 50;

/** Processes that change rows and entries together, and one that observes both, while something fails. */
export class ObservedScene {
  readonly writers: ShopProcess[] = [];
  readonly table: string;
  private readonly options: Omit<ShopOptions, 'database'>;
  private observing: ShopProcess | undefined;
  private calm: Shop | undefined;
  private readonly tallies: Tallied[] = [];
  private readonly journals: string[] = [];
  private readonly notes: string[] = [];
  private readonly killed = new Set<ShopProcess>();
  private readonly incidents: string[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'cache-txn-transfers-'));

  private constructor(
    private readonly play: ObservedPlay,
    private readonly admin: pg.Pool,
    /** In front of each node, for the writers. */
    readonly nodes: readonly FaultProxy[],
    /** In front of the database, for the writers. */
    readonly database: FaultProxy,
    private readonly ways: NonNullable<ShopOptions['ways']>,
  ) {
    const id = randomUUID().slice(0, 8);
    this.table = `stock_${id}`;
    this.options = { nodes: play.cluster.nodes, namespace: `observed-${id}` };
  }

  /** The history of one fault under load, and what is there afterwards. */
  static async play(play: ObservedPlay): Promise<Observed> {
    const { cluster, postgres, random } = play;
    const proxies = await Promise.all(cluster.nodes.map(({ port }) => startFaultProxy(port, { random })));
    const database = await startFaultProxy(postgres.port, { random });
    const admin = new pg.Pool({ connectionString: postgres.url, max: 2 });
    // The database of some faults takes its connections with it.
    admin.on('error', () => undefined);
    admin.on('connect', (client) => client.on('error', () => undefined));
    const ways = Object.fromEntries(
      cluster.nodes.map(({ host, port }, i) => [`${host}:${port}`, { host, port: proxies[i]!.port }]),
    );
    const scene = new ObservedScene(play, admin, proxies, database, ways);
    try {
      return await scene.run();
    } finally {
      await scene.stop();
    }
  }

  /** One more process that writes, through the proxies. */
  async join(): Promise<ShopProcess> {
    const database = new URL(this.play.postgres.url);
    database.port = String(this.database.port);
    const writer = await this.start({ ways: this.ways, database: database.href }, WRITING_CALLERS);
    await writer.call('write');
    this.writers.push(writer);
    return writer;
  }

  get living(): readonly ShopProcess[] {
    return this.writers.filter((writer) => !writer.hasEnded());
  }

  /** Ends a writer as a crash does. Any other end of one is the library's fault. */
  async kill(writer: ShopProcess): Promise<void> {
    this.killed.add(writer);
    await writer.stop();
  }

  /** Notes what a fault did, for the figures. */
  tell(what: string): void {
    this.notes.push(what);
  }

  /** Resolves when so many more entries have been read, and some rows changed. */
  async observed(more: number): Promise<void> {
    const [reads, changes] = [await this.reads(), await this.changes()];
    const isReached = async (): Promise<boolean> =>
      (await this.reads()) >= reads + more && (await this.changes()) >= changes + more / READS_OF_CHANGE;
    await eventually(isReached, { what: `${more} more reads`, withinMs: WITHIN_MS + 10 * more, everyMs: 50 });
  }

  private async reads(): Promise<number> {
    return (await present(this.observing, 'the observer').call('figures')).seen.reads;
  }

  /** Committed changes of rows. */
  private async changes(): Promise<number> {
    const rows = await stockRows(this.admin, this.table);
    return [...rows.values()].reduce((sum, { version }) => sum + version - 1, 0);
  }

  private async run(): Promise<Observed> {
    const { cluster, faults, least, postgres, random } = this.play;
    await this.admin.query(markerTableSql());
    await makeStock(this.admin, this.table);
    const direct = { ...this.options, database: postgres.url };
    const [observing, calm] = await Promise.all([
      this.start({ database: postgres.url }, OBSERVING_CALLERS),
      startShop(direct),
      ...Array.from({ length: WRITERS }, () => this.join()),
    ]);
    this.observing = observing;
    this.calm = calm;
    await observing.call('observe');
    await this.observed(least);
    for (const fault of faults) {
      await fault(this, random);
      await this.observed(least);
    }
    await Promise.all([...this.nodes, this.database].map((proxy) => proxy.heal()));
    await cluster.heal();
    await this.everybodyWrites();
    await Promise.all(this.writers.map((writer) => this.finish(writer)));
    const quietAtMs = machineMs();
    const different = await this.settled(() => this.differences());
    const remains = await this.settled(() => this.remains());
    const calmAfterMs = machineMs() - quietAtMs;
    const { seen, tally } = await observing.call('figures');
    await observing.call('finish');
    return {
      ...{ seen: together(NO_READS, seen), failedReads: tally, writes: sumOf(this.tallies) },
      ...{ different, remains, calmAfterMs, changes: await this.changes() },
      books: await bookProblems(this.admin, this.table, this.journals),
      transfers: transferOutcomes(this.journals),
      notes: this.notes,
      incidents: this.incidents,
    };
  }

  /** Nobody is restarted: each writer that lives commits again. */
  private async everybodyWrites(): Promise<void> {
    await Promise.all(
      this.living.map(async (writer) => {
        const oks = async (): Promise<number> => (await writer.call('figures')).tally['ok'] ?? 0;
        const from = await oks();
        await eventually(async () => (await oks()) > from, { what: 'a writer to commit again', withinMs: WITHIN_MS });
      }),
    );
  }

  private async finish(writer: ShopProcess): Promise<void> {
    if (this.killed.has(writer)) return;
    if (writer.hasEnded()) {
      this.incidents.push(`a writer has died by itself: ${writer.output()}`);
      return;
    }
    await writer.call('finish');
    this.tallies.push((await writer.call('figures')).tally);
    await writer.stop();
  }

  private async start(more: Pick<ShopOptions, 'database' | 'ways'>, callers: number): Promise<ShopProcess> {
    const isWriter = more.ways !== undefined;
    const worker = await startWorker<typeof calls>(WORKER);
    const seed = between(this.play.random, 0, MAX_SEED - callers);
    const journal = join(this.folder, `${worker.pid}.jsonl`);
    this.journals.push(...(isWriter ? [journal] : []));
    await worker.call('start', {
      ...this.options,
      ...more,
      table: this.table,
      seed,
      callers,
      journal,
      bug: this.play.bug,
    });
    return worker;
  }

  private async differences(): Promise<string[]> {
    const entries = await present(this.calm, 'an application').cache.getMany<Stocked>(STOCK);
    const rows = await stockRows(this.admin, this.table);
    const told = ({ balance, version }: Stocked): string => `version ${version} with ${balance}`;
    return [...entries].flatMap(([id, entry]) => {
      const [found, right] = [told(entry), told(rows.get(id)!)];
      return found === right ? [] : [`${id} is ${found}, its row ${right}`];
    });
  }

  /** In Redis what nobody takes away, in PostgreSQL transactions that nobody ends. */
  private async remains(): Promise<string[]> {
    const all = await Promise.all(
      this.play.cluster.servers.map(async (server) => {
        if (!(await isMaster(server))) return [];
        const client = observer(server, { lazyConnect: true });
        try {
          return await serverRemains(client, this.options.namespace);
        } finally {
          client.disconnect();
        }
      }),
    );
    const { rows } = await this.admin.query<{ query: string }>(
      "SELECT query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' UNION ALL SELECT gid FROM pg_prepared_xacts",
    );
    // The lock of a dead process ends with its lease, and whoever takes it next sweeps up after it.
    const inRedis = all.flat().filter((what) => !what.startsWith('field '));
    return [...inRedis, ...rows.map(({ query }) => `open: ${query}`)];
  }

  /** What is left of it when it has had its time. */
  private async settled(look: () => Promise<string[]>): Promise<readonly string[]> {
    return eventually(async () => (await look()).length === 0, { withinMs: WITHIN_MS, everyMs: 50 }).then(
      () => [],
      () => look(),
    );
  }

  private async stop(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()));
    await this.observing?.stop();
    await this.calm?.close();
    await Promise.all([...this.nodes, this.database].map((proxy) => proxy.stop()));
    await this.admin.end();
    rmSync(this.folder, { recursive: true });
  }
}

function sumOf(tallies: readonly Tallied[]): Tallied {
  const sum: Record<string, number> = {};
  for (const tally of tallies) for (const [what, n] of Object.entries(tally)) sum[what] = (sum[what] ?? 0) + n;
  return sum;
}
