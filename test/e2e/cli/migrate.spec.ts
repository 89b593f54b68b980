import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { command } from '../../support/processes/command-run.js';
import { type PostgresServer, startPostgresServer } from '../../support/servers/postgres-server.js';

let server: PostgresServer;
let client: pg.Client;

beforeAll(async () => {
  server = await startPostgresServer();
  client = new pg.Client({ connectionString: server.url });
  await client.connect();
}, 30_000);

afterAll(async () => {
  await client.end();
  await server.stop();
});

const migrate = (...args: readonly string[]) => command(['migrate', '--database-url', server.url, ...args]);

describe('migrate with a database', () => {
  it('makes the table and its index, as often and by as many at once as one likes', async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrate()));
    runs.push(await migrate());
    for (const run of runs) expect(run).toEqual({ code: 0, out: [], err: [expect.stringMatching(/^done/)] });
    await client.query("INSERT INTO cache_txn_marker (txid, state, namespace, keys) VALUES ('1', 'C', 'shop', '[]')");
    // What a fence does, which knows of a transaction nothing but its id.
    const fence = "INSERT INTO cache_txn_marker (txid, state) VALUES ($1, 'A') ON CONFLICT DO NOTHING";
    expect([(await client.query(fence, ['1'])).rowCount, (await client.query(fence, ['2'])).rowCount]).toEqual([0, 1]);
    await expect(client.query("INSERT INTO cache_txn_marker (txid, state) VALUES ('3', 'x')")).rejects.toThrow(/check/);
    const { rows } = await client.query("SELECT indexname FROM pg_indexes WHERE tablename = 'cache_txn_marker'");
    expect(rows.map(({ indexname }) => indexname).sort()).toEqual([
      'cache_txn_marker_created_at',
      'cache_txn_marker_pkey',
    ]);
    expect((await migrate()).code).toBe(0);
    expect((await client.query('SELECT txid FROM cache_txn_marker')).rowCount).toBe(2);
  });

  it('takes a name of its own in a schema, and prints as well when asked', async () => {
    await client.query('CREATE SCHEMA app');
    const { code, out } = await migrate('--table', 'app.markers', '--print');
    expect([code, out[0]]).toEqual([0, 'CREATE TABLE IF NOT EXISTS "app"."markers" (']);
    expect((await client.query('SELECT * FROM app.markers')).rowCount).toBe(0);
  });

  it('G42: says what the database refuses, and no password', async () => {
    const url = server.url.replace('postgres@', 'postgres:hunter2@');
    const run = await command(['migrate', '--table', 'none.markers', '--database-url', url]);
    expect(run).toEqual({ code: 1, out: [], err: ['error: schema "none" does not exist'] });
    const away = await command(['migrate', '--database-url', 'postgres://u:hunter2@127.0.0.1:1/d']);
    expect(away).toMatchObject({ code: 1, out: [], err: [expect.stringMatching(/ECONNREFUSED/)] });
    expect(JSON.stringify(away)).not.toContain('hunter2');
  });
});
