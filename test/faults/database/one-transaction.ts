import { randomUUID } from 'node:crypto';

import pg from 'pg';

import { markerTableSql } from '../../../src/pg/marker-table.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { eventually } from '../../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../../support/proxy/fault-proxy.js';
import { serverRemains } from '../../support/history/server-remains.js';
import type { PostgresServer } from '../../support/servers/postgres-server.js';
import { observer } from '../../support/servers/redis-access.js';
import type { RedisCluster } from '../../support/servers/redis-cluster.js';
import { TAGS } from '../cluster/list-append.js';
import { startShop, type Shop } from './shop.js';

/** A promotion that nobody asked for, the time of a transaction, and a sweep, on a busy machine. */
const WITHIN_MS = 15_000;
/** One on each master. */
const KEYS: readonly string[] = TAGS.map(([tag]) => `{${tag}}:row`);

/** How a transaction ended for its caller. */
export type Told = 'committed' | { readonly refused: unknown };

/** One transaction that changes a row behind each of three entries from old to new, on a store and a way that can be disturbed. */
export class OneTransaction {
  readonly namespace: string;
  readonly table: string;
  txnId = '';

  private constructor(
    private readonly cluster: RedisCluster,
    private readonly postgres: PostgresServer,
    private readonly admin: pg.Pool,
    readonly proxy: FaultProxy,
  ) {
    const id = randomUUID().slice(0, 8);
    [this.namespace, this.table] = [`one-${id}`, `one_${id}`];
    this.silence = new Promise((_, reject) => (this.endSilence = reject));
    this.silence.catch(() => undefined);
  }

  /** Rejects when the test is over: whoever hears no answer may go then. */
  readonly silence: Promise<never>;
  private endSilence: (over: Error) => void = () => undefined;
  readonly shops: Shop[] = [];
  store!: FaultInjectingStore;
  private owner!: Shop;

  /** Rows and entries are there, and old. */
  static async start(cluster: RedisCluster, postgres: PostgresServer): Promise<OneTransaction> {
    const admin = new pg.Pool({ connectionString: postgres.url, max: 2 });
    const proxy = await startFaultProxy(postgres.port);
    const one = new OneTransaction(cluster, postgres, admin, proxy);
    await admin.query(markerTableSql());
    const unique = 'UNIQUE DEFERRABLE INITIALLY DEFERRED';
    await admin.query(`CREATE TABLE ${one.table} (id text PRIMARY KEY, value text, number int ${unique})`);
    await admin.query(
      `INSERT INTO ${one.table} SELECT id, 'old', n FROM unnest($1::text[]) WITH ORDINALITY AS t (id, n)`,
      [KEYS],
    );
    one.owner = await one.open((store) => (one.store = new FaultInjectingStore(store)), proxy.port);
    await one.owner.cache.setMany(Object.fromEntries(KEYS.map((key) => [key, 'old'])));
    return one;
  }

  /** One more application, which looks and clears up. */
  async join(): Promise<Shop> {
    return this.open();
  }

  /** Runs the transaction; `last` is the last SQL of it. */
  async run(last?: string): Promise<Told> {
    const { coordinator, cache, db } = this.owner;
    try {
      await coordinator.run({ timeout: '1s' }, (txn) =>
        db.transaction(async (client) => {
          this.txnId = txn.id;
          await client.query(`UPDATE ${this.table} SET value = 'new'`);
          for (const key of KEYS) await cache.set(key, 'new');
          if (last !== undefined) await client.query(last);
        }),
      );
      return 'committed';
    } catch (refused) {
      return { refused };
    }
  }

  /** What everybody in this process reads through its cache now; rows where there is no entry. */
  async readAll(): Promise<string[]> {
    const load = async (key: string): Promise<string | undefined> => (await this.rows()).get(key);
    const reads = this.shops.slice(1).flatMap(({ cache }) => KEYS.map((key) => cache.getOrLoad(key, () => load(key))));
    return [...new Set(await Promise.all(reads))].map(String);
  }

  /** Every application asks at the same time what became of it. */
  async fates(): Promise<string[]> {
    const asked = this.shops.flatMap(({ db }) => [1, 2, 3].map(() => db.resolve(this.txnId)));
    return [...new Set(await Promise.all(asked))];
  }

  async rows(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.admin.query<{ id: string; value: string }>(`SELECT id, value FROM ${this.table}`);
    return new Map(rows.map(({ id, value }) => [id, value]));
  }

  /** Resolves when nothing is left of it in Redis, and answers what the entries are then; undefined for none. */
  async settled(): Promise<(string | undefined)[]> {
    await eventually(async () => (await this.remains()).length === 0, {
      what: 'nothing to be left',
      withinMs: WITHIN_MS,
    });
    const entries = await (await this.join()).cache.getMany<string>(KEYS);
    return KEYS.map((key) => entries.get(key));
  }

  async stop(): Promise<void> {
    this.store.clear();
    this.endSilence(new Error('the test is over'));
    await Promise.all(this.shops.map((shop) => shop.close()));
    await this.proxy.stop();
    await this.admin.end();
  }

  private async open(wrap?: (store: never) => FaultInjectingStore, port = this.postgres.port): Promise<Shop> {
    const database = new URL(this.postgres.url);
    database.port = String(port);
    const { namespace } = this;
    const options = { nodes: this.cluster.nodes, database: database.href, namespace, graceMs: 200 };
    const shop = await startShop({ ...options, ...(wrap && { wrap: wrap as never }) });
    this.shops.push(shop);
    return shop;
  }

  private async remains(): Promise<string[]> {
    const all = await Promise.all(
      this.cluster.masters.map(async (server) => {
        const client = observer(server, { lazyConnect: true });
        try {
          return await serverRemains(client, this.namespace);
        } finally {
          client.disconnect();
        }
      }),
    );
    // The lock under which processes sweep in turns.
    return all.flat().filter((what) => !what.startsWith('field '));
  }
}
