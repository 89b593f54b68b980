import { describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { startPostgresServer } from '../support/servers/postgres-server.js';

describe('a PostgreSQL server of the tests', () => {
  it('answers on its address and is gone after stop', async () => {
    const server = await startPostgresServer();
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query("SELECT 'ä' || 1 AS answer, current_setting('fsync') AS fsync");
    await client.end();

    await server.stop();

    expect(rows).toEqual([{ answer: 'ä1', fsync: 'off' }]);
    expect(server.hasEnded()).toBe(true);
  }, 20_000);
});
