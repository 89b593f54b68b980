import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { FailingCluster, isMaster, kill } from '../../test/faults/cluster/failing-cluster.js';
import { eventually } from '../../test/support/eventually.js';
import { startPostgresServer } from '../../test/support/servers/postgres-server.js';
import { startBoxOffice } from './support/box-office-process.js';
import { EntryAudit, leftBehind } from './support/entry-audit.js';
import { HttpClient } from './support/http-client.js';
import { Sale } from './support/sale.js';

/** Orders that are answered before the master dies. */
const SOLD_BEFORE = 15;

describe('two processes of the box office on a cluster', () => {
  let cluster: FailingCluster;
  let offices: readonly HttpClient[];
  let sql: pg.Client;
  let audit: EntryAudit;
  /** In the order of starting; what a failing start leaves behind ends with the test run (owned-process.ts). */
  const cleanUps: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const [failing, postgres] = await Promise.all([FailingCluster.start(), startPostgresServer()]);
    cluster = failing;
    cleanUps.push(() => failing.stop(), postgres.stop);
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`).join();
    const env = { REDIS_CLUSTER: nodes, DATABASE_URL: postgres.url };
    const processes = await Promise.all([startBoxOffice(env), startBoxOffice(env)]);
    cleanUps.push(...processes.map(({ stop }) => stop));
    offices = processes.map(({ url }) => new HttpClient(url));
    sql = new pg.Client({ connectionString: postgres.url });
    await sql.connect();
    cleanUps.push(() => sql.end());
    audit = await EntryAudit.start(sql, { cluster: { nodes: cluster.nodes } });
    cleanUps.push(audit.close);
  }, 90_000);

  afterAll(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  it('sell every seat once, and account for every cent, when a master is killed in the middle of the sale (F15)', async () => {
    const sale = new Sale('tour', sql, () => offices);
    await sale.open();
    const { master, replica } = await cluster.shard(0);
    let killing: Promise<void> | undefined;
    const { told, unsure } = await sale.run((answered) => {
      if (answered === SOLD_BEFORE) killing = kill(master);
    });
    await killing;
    await cluster.promotionOf(replica);
    // The fault was felt: it came in the middle, and somebody had to ask again.
    expect(unsure.size).toBeGreaterThan(0);
    await sale.expectExactSql(told);
  }, 90_000);

  it('and when all is quiet again no entry differs from its row, and no intent is left', async () => {
    await cluster.heal();
    const isQuiet = async (): Promise<void> => {
      const servers = await Promise.all(
        cluster.servers.map(async (server) => ((await isMaster(server)) ? [server] : [])),
      );
      expect(await leftBehind(servers.flat())).toEqual([]);
      expect(await audit.compare()).toMatchObject({ wrong: [] });
    };
    await eventually(isQuiet, { what: 'a cache that equals SQL', withinMs: 30_000, everyMs: 200 });
    expect((await audit.compare()).found).toBeGreaterThan(0);
  }, 60_000);
});
