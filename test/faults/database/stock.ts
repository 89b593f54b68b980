import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';

import { machineMs } from '../../support/history/recorder.js';
import type { ReadKind, StalenessWatch } from '../../support/history/staleness.js';
import { TAGS, TXN_MS } from '../cluster/list-append.js';
import { between, pick } from '../seed.js';
import type { Shop } from './shop.js';

/** What an entry holds: its row. */
export interface Stocked {
  readonly version: number;
  readonly balance: number;
  /** Which load brought it, unless a writer did. */
  readonly load?: string;
}

/** Rows whose entries are in four slots of every master. */
export const STOCK: readonly string[] = TAGS.flat().map((tag) => `{${tag}}:stock`);

interface StockRow {
  readonly version: string;
  readonly balance: string;
}

export const FIRST_BALANCE = 1_000;
export const RETRY = { attempts: 6, budget: '2s' } as const;
const MOST_ROWS = 3;
/** Of all transactions. */
const ROLLED_BACK = 0.15;
/** Of the entries in a transaction. */
const [READ_FIRST, DELETED] = [0.3, 0.35];
/** Of the loads; long enough that one may begin before a commit and end after it. */
const [SLOW_LOADS, MOST_LOAD_MS] = [0.3, 8];

/** The one error that a writer means. */
class ChangedMind extends Error {}

export async function makeStock(client: pg.Pool | pg.Client, table: string): Promise<void> {
  await client.query(`CREATE TABLE ${table} (id text PRIMARY KEY, version bigint NOT NULL, balance bigint NOT NULL)`);
  // No key: an id that is applied twice has to show.
  await client.query(
    `CREATE TABLE ${table}_transfers (id text NOT NULL, account text NOT NULL, amount bigint NOT NULL)`,
  );
  const first = `SELECT id, 1, ${FIRST_BALANCE} FROM unnest($1::text[]) AS id`;
  await client.query(`INSERT INTO ${table} ${first}`, [STOCK]);
}

/** What is committed in every row, at one moment. */
export async function stockRows(client: pg.Pool | pg.Client, table: string): Promise<ReadonlyMap<string, Stocked>> {
  const { rows } = await client.query<StockRow & { id: string }>(`SELECT id, version, balance FROM ${table}`);
  return new Map(rows.map((row) => [row.id, stocked(row)]));
}

/** Takes the row's lock until the end of the database transaction, and answers what the row then is. */
export async function addTo(client: pg.PoolClient, table: string, id: string, amount: number): Promise<Stocked> {
  const { rows } = await client.query<StockRow>(
    `UPDATE ${table} SET version = version + 1, balance = balance + $2 WHERE id = $1 RETURNING version, balance`,
    [id, amount],
  );
  return stocked(rows[0]!);
}

function stocked({ balance, version }: StockRow): Stocked {
  return { version: Number(version), balance: Number(balance) };
}

/**
 * Changes some rows, and their entries with them: new values, or none. The lock of a row orders the commits that change it, so its
 * version grows in their order. Now and then the writer changes its mind; rows are taken in any order, so deadlocks come up.
 */
export async function changeStock(
  { cache, coordinator, db }: Shop,
  table: string,
  random: () => number,
): Promise<void> {
  const ids = new Set(Array.from({ length: between(random, 1, MOST_ROWS) }, () => pick(random, STOCK)));
  const isRolledBack = random() < ROLLED_BACK;
  const work = (): Promise<void> =>
    db.transaction(async (client) => {
      for (const id of ids) {
        if (random() < READ_FIRST) await cache.get(id);
        const row = await addTo(client, table, id, 0);
        if (random() < DELETED) await cache.delete(id);
        else await cache.set(id, row);
      }
      if (isRolledBack) throw new ChangedMind();
    });
  await coordinator.runWithRetry({ timeout: TXN_MS, retry: RETRY }, work).catch((error: unknown) => {
    if (!(error instanceof ChangedMind)) throw error;
  });
}

/** An application that proves what its cache answers against the rows. */
export class StockObserver {
  /** When the loads of this process ended, by what they put into the value. */
  private readonly loads = new Map<string, number>();

  constructor(
    private readonly shop: Shop,
    private readonly table: string,
    private readonly watch: StalenessWatch,
    private readonly random: () => number,
  ) {}

  /**
   * Reads all entries, and looks at all rows again. `before` is what they were before the call; the answer is what they are now,
   * which is `before` of the next call.
   */
  async look(before: ReadonlyMap<string, Stocked>): Promise<ReadonlyMap<string, Stocked>> {
    const kind = pick(this.random, ['get', 'getMany', 'getOrLoad', 'getOrLoad'] as const);
    const sinceMs = machineMs();
    const seen = await this.read(kind);
    const atMs = machineMs();
    const after = await stockRows(this.shop.pool, this.table);
    for (const key of STOCK) {
      const { version, load } = seen.get(key) ?? {};
      const loadedAtMs = load === undefined ? 0 : (this.loads.get(load) ?? 0);
      const versions = { before: before.get(key)?.version ?? 0, seen: version, after: after.get(key)?.version ?? 0 };
      this.watch.note({ key, kind, ...versions, isLoaded: loadedAtMs >= sinceMs, atMs });
    }
    return after;
  }

  private async read(kind: ReadKind): Promise<ReadonlyMap<string, Stocked>> {
    const { cache } = this.shop;
    if (kind === 'getMany') return cache.getMany<Stocked>(STOCK);
    const ask = async (key: string): Promise<readonly [string, Stocked | undefined]> => [
      key,
      await (kind === 'get' ? cache.get<Stocked>(key) : cache.getOrLoad<Stocked>(key, () => this.load(key))),
    ];
    const answers = await Promise.all(STOCK.map(ask));
    return new Map(answers.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
  }

  /** Some loads take their time: whoever reads the row before a commit may come with it after the next one. */
  private async load(key: string): Promise<Stocked | undefined> {
    const { pool } = this.shop;
    const { rows } = await pool.query<StockRow>(`SELECT version, balance FROM ${this.table} WHERE id = $1`, [key]);
    const load = randomUUID();
    if (this.random() < SLOW_LOADS) await sleep(between(this.random, 1, MOST_LOAD_MS));
    this.loads.set(load, machineMs());
    return rows[0] && { ...stocked(rows[0]), load };
  }
}
