import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { between, roundsOf } from '../../test/faults/seed.js';
import { eventually } from '../../test/support/eventually.js';
import { startPostgresServer } from '../../test/support/servers/postgres-server.js';
import { type RedisServer, startRedisServer } from '../../test/support/servers/redis-server.js';
import { type BoxOfficeProcess, startBoxOffice } from './support/box-office-process.js';
import { EntryAudit, leftBehind } from './support/entry-audit.js';
import { HttpClient } from './support/http-client.js';
import { Sale } from './support/sale.js';

/** Those that die, one after the other, and one that goes on. */
const PROCESSES = 3;

let redis: RedisServer;
let sql: pg.Client;
let audit: EntryAudit;
let start: () => Promise<BoxOfficeProcess>;
/** In the order of starting; what a failing start leaves behind ends with the test run (owned-process.ts). */
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const [server, postgres] = await Promise.all([startRedisServer(), startPostgresServer()]);
  redis = server;
  cleanUps.push(redis.stop, postgres.stop);
  start = () => startBoxOffice({ REDIS_URL: redis.url, DATABASE_URL: postgres.url });
  sql = new pg.Client({ connectionString: postgres.url });
  await sql.connect();
  cleanUps.push(() => sql.end());
  audit = await EntryAudit.start(sql, { url: redis.url });
  cleanUps.push(audit.close);
}, 90_000);

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

// The long form: FAULT_SEED=4711 FAULT_ROUNDS=20 npm run jest -- --selectProjects sample --testPathPatterns crash
describe.each(roundsOf('kill -9 of the box office'))('processes of the box office, round $number', (round) => {
  it('are killed at any moment of a sale: seats, orders and wallets are exact, and the cache equals SQL', async () => {
    const processes = await Promise.all(Array.from({ length: PROCESSES }, start));
    cleanUps.push(...processes.map(({ stop }) => stop));
    const clients = new Map(processes.map((process) => [process, new HttpClient(process.url)]));
    const alive = (): HttpClient[] =>
      processes.flatMap((process) => (process.hasEnded() ? [] : [clients.get(process)!]));
    const sale = new Sale(`round-${round.number}`, sql, alive);
    await sale.open();

    const victims = processes.slice(1);
    const moments = new Map(
      victims.map((victim, i) => [
        between(round.random, 5 + 20 * i, 20 + 20 * i),
        { victim, afterMs: round.random() * 30 },
      ]),
    );
    const deaths: Promise<void>[] = [];
    const { told, unsure } = await sale.run((answered) => {
      const moment = moments.get(answered);
      // A moment that no promise of the sale stands for; the delay is part of the schedule.
      if (moment) deaths.push(sleep(moment.afterMs).then(() => moment.victim.stop()));
    });
    await Promise.all(deaths);

    expect(deaths).toHaveLength(victims.length);
    expect(unsure.size).toBeGreaterThan(0);
    await sale.expectExactSql(told);
    const isQuiet = async (): Promise<void> => {
      expect(await leftBehind([redis])).toEqual([]);
      expect(await audit.compare()).toMatchObject({ wrong: [] });
    };
    await eventually(isQuiet, { what: 'a cache that equals SQL', withinMs: 30_000, everyMs: 200 });
    expect((await audit.compare()).found).toBeGreaterThan(10);
    await processes[0]!.stop();
  }, 120_000);
});
