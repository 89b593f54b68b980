import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';

import { LastingPostgres } from '../support/servers/lasting-postgres.js';

let postgres: LastingPostgres;

beforeEach(async () => {
  postgres = await LastingPostgres.start();
}, 60_000);

afterEach(() => postgres.stop());

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

it('serves again on the same port after it was killed, with what was committed and without what was not', async () => {
  await query('CREATE TABLE kept (id int)');
  await query('INSERT INTO kept VALUES (1)');
  const open = new pg.Client({ connectionString: postgres.url });
  open.on('error', () => undefined); // It is about to lose its server.
  await open.connect();
  await open.query('BEGIN');
  await open.query('INSERT INTO kept VALUES (2)');
  const { url } = postgres;
  await postgres.crash();
  expect(postgres.url).toBe(url);
  expect(await query('SELECT id FROM kept')).toEqual([{ id: 1 }]);
}, 60_000);
