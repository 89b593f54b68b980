import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { memoryStore } from 'nestjs-cache-txn';
import { pgTransactional } from 'nestjs-cache-txn/pg';
import pg from 'pg';
import { eventually } from '../../support/eventually.js';
import { DatabaseScene } from './database-scene.js';

let scene: DatabaseScene;

beforeAll(async () => {
  scene = await DatabaseScene.start();
}, 60_000);
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe('at boot', () => {
  it('a missing table is refused with what to do', async () => {
    const boot = scene.shop({ markers: { createTable: false, table: 'nowhere' } });
    await expect(boot).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/there is no table "nowhere".*migrate.*createTable/),
    });
  });

  it('processes that start together make the table once', async () => {
    const shops = await Promise.all([1, 2, 3].map(() => scene.shop({ markers: { table: 'together' } })));
    const { rows } = await scene.sql.query("SELECT 1 FROM pg_indexes WHERE tablename = 'together'");
    expect([shops.length, rows.length]).toEqual([3, 2]);
  });

  it('a role that may not create anything can use the table that is there', async () => {
    await scene.shop();
    await scene.sql.query('CREATE TABLE IF NOT EXISTS granted (LIKE cache_txn_marker INCLUDING ALL)');
    await scene.sql.query('CREATE ROLE clerk LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    await scene.sql.query('GRANT SELECT, INSERT, DELETE ON granted TO clerk');
    const shop = await scene.shop({
      pool: { user: 'clerk', connectionString: undefined, ...address() },
      markers: { table: 'granted' },
    });
    expect(await shop.db.resolve('of nobody')).toBe('aborted');
    await shop.db.forgetOld();
  });

  const address = () => ({ host: scene.postgres.host, port: scene.postgres.port, database: 'postgres' });

  it('one object cannot serve two modules, and can serve the next one when its module has ended', async () => {
    const pool = scene.pool();
    const db = pgTransactional(pool, { createTable: true });
    const boot = (namespace: string) =>
      scene.scene.app({ module: { store: memoryStore(), namespace, txn: { database: db } } });
    const first = await boot('first');
    await expect(boot('second')).rejects.toThrow(/belongs to another module already; make one for each/);
    await first.app.close();
    await boot('third');
    expect(await db.resolve('of nobody')).toBe('aborted');
  });

  it('before its module has started, or when the module has another one, it says so', async () => {
    const db = pgTransactional(scene.pool());
    await expect(db.transaction(async () => 1)).rejects.toThrow(/belongs to no module that has started/);
    const shop = await scene.shop();
    const decider = { ...VOTER, name: 'another', resolve: () => Promise.resolve('aborted' as const) };
    const enlisting = shop.coordinator.run(async (txn) => txn.enlist(decider));
    await expect(enlisting).rejects.toThrow(/nobody could ask it after a crash: give it to forRoot/);
  });

  it.each<[string, object]>([
    ['nobody listens', { host: '127.0.0.1', port: 1 }],
    ['it has no such database', { database: 'nowhere' }],
  ])('says what to look at when %s', async (_what, options) => {
    const { host, port } = scene.postgres;
    const pool = new pg.Pool({ user: 'postgres', database: 'postgres', host, port, ...options });
    const boot = scene.scene.app({ module: { store: memoryStore(), txn: { database: pgTransactional(pool) } } });
    await expect(boot).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/^txn\.database: PostgreSQL cannot be used \(\S.*\): is it running/),
    });
    await pool.end();
  });
});

describe('a pool to which nobody listens', () => {
  it('ends no process when the server ends its connections, and does no harm when the module has stopped', async () => {
    const pool = new pg.Pool({ connectionString: scene.postgres.url, application_name: 'unheard' });
    const app = await scene.scene.app({
      module: { store: memoryStore(), txn: { database: pgTransactional(pool, { createTable: true }) } },
    });
    // One that somebody uses, and one that nobody does.
    const [used, idle] = await Promise.all([pool.connect(), pool.connect()]);
    idle.release();
    await scene.sql.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'unheard'");
    await eventually(() => pool.idleCount === 0, { what: 'the end of the idle connection' });
    expect(app.log).toContainEqual(expect.stringContaining('an idle connection to the database'));
    await expect(used.query('SELECT 1')).rejects.toThrow();
    used.release(true);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await app.app.close();
    expect([pool.listenerCount('error'), pool.listenerCount('connect')]).toEqual([0, 0]);
    await pool.end();
  });
});

const VOTER = { prepare: () => undefined, commit: () => undefined, abort: () => undefined };

describe('markers', () => {
  it('are forgotten after `keep`, and not before', async () => {
    const shop = await scene.shop({ markers: { table: 'kept', replay: '30s', keep: '1m' } });
    await scene.sql.query(
      `INSERT INTO kept (txid, state, created_at) SELECT 'old ' || n, 'C', now() - interval '61 seconds' FROM generate_series(1, 10001) n;
       INSERT INTO kept (txid, state, created_at) VALUES ('young', 'C', now() - interval '59 seconds')`,
    );
    await shop.db.forgetOld();
    expect((await scene.sql.query('SELECT txid FROM kept')).rows).toEqual([{ txid: 'young' }]);
  });

  it('hold keys and namespaces as they are, whatever characters are in them', async () => {
    const shop = await scene.shop();
    const key = `it's "x" \\' ? $1 :p %s \u0000 é ); DROP TABLE seats; --`;
    await shop.db.transaction(() => shop.cache.set(key, 1));
    expect((await shop.db.recentlyCommitted()).transactions.map(({ keys }) => keys)).toEqual([[key]]);
    for (const id of ["'", '"', '\\', '$1', '?', "x'); DROP TABLE seats; --"]) {
      expect(await shop.db.resolve(id)).toBe('aborted');
    }
    await expect(shop.db.resolve('\u0000')).rejects.toThrow();
    expect(await shop.db.resolve('after an error')).toBe('aborted');
  });
});
