import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { between, roundsOf } from '../../test/faults/seed.js';
import { eventually } from '../../test/support/eventually.js';
import { startFaultProxy } from '../../test/support/proxy/fault-proxy.js';
import { type PostgresServer, startPostgresServer } from '../../test/support/servers/postgres-server.js';
import { observer } from '../../test/support/servers/redis-access.js';
import { type RedisServer, startRedisServer } from '../../test/support/servers/redis-server.js';
import { startBoxOffice } from './support/box-office-process.js';
import { Caps } from './support/caps.js';
import { EntryAudit, leftBehind } from './support/entry-audit.js';
import type { HttpClient } from './support/http-client.js';
import { pageRows } from './support/page-rows.js';
import { type LoggedRequest, RequestLog, type Span } from './support/request-log.js';
import { failedReads, olderPages, undocumented } from './support/rush-verdict.js';
import { Sale } from './support/sale.js';
import { loadsSoFar, LOGGING_STATEMENTS } from './support/statement-log.js';
import { HERD, pagesOf, Visitors } from './support/visitors.js';

/** Orders that are answered before Redis fails. */
const SOLD_BEFORE = 10;
/** The caps of reads are over before Redis is back: who waits for that has waited too long. */
const COMMAND_TIMEOUT_MS = 200;
const LEAST_AWAY_MS = 2_800;
const MOST_AWAY_MS = 3_200;
/** Some while Redis is away, and no more at a time than a small machine can serve: what is measured is not its queue for the database. */
const COME_EVERY_MS = 40;
/** Each way, as to a database on another machine: a load takes longer than a herd takes to arrive. */
const DATABASE_DELAY_MS = 8;
/** Where a Redis has it that nothing is older than its row any more (G45). */
const REPLAYED = 'box-office:e:nestjs-cache-txn/servers';

let redis: RedisServer;
let postgres: PostgresServer;
let sql: pg.Client;
let audit: EntryAudit;
let log: RequestLog;
let offices: readonly HttpClient[];
/** In the order of starting; what a failing start leaves behind ends with the test run (owned-process.ts). */
const cleanUps: (() => Promise<unknown>)[] = [];

/** The fault; resolves when Redis answers again. */
interface Fault {
  readonly what: string;
  /** For so long that somebody looks meanwhile. */
  readonly isAway: boolean;
  readonly losesAll: boolean;
  readonly play: (awayMs: number) => Promise<void>;
}

const restart = async (awayMs: number): Promise<void> => {
  await redis.stop();
  await sleep(awayMs);
  redis = await startRedisServer({ port: redis.port });
};

const FAULTS: readonly Fault[] = [
  { what: 'killed, and comes back empty', isAway: true, losesAll: true, play: restart },
  {
    what: 'frozen',
    isAway: true,
    losesAll: false,
    async play(awayMs) {
      redis.pause();
      await sleep(awayMs);
      redis.resume();
    },
  },
  { what: 'restarted empty', isAway: false, losesAll: true, play: () => restart(0) },
];

// The long form: FAULT_SEED=4711 FAULT_ROUNDS=20 npm run jest -- --selectProjects sample --testPathPatterns redis-away
const cases = roundsOf('Redis away from the box office').flatMap(({ number, random }) =>
  FAULTS.map((fault, i) => ({ fault, number, random, event: `tour-${number}-${i}` })),
);
const sales = new Map<string, Sale>();

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedisServer(), startPostgresServer({ args: LOGGING_STATEMENTS })]);
  cleanUps.push(() => redis.stop(), postgres.stop);
  const way = await startFaultProxy(postgres.port);
  cleanUps.push(() => way.stop());
  way.set({ delayMs: DATABASE_DELAY_MS });
  const env = {
    REDIS_URL: redis.url,
    REDIS_TIMEOUT: String(COMMAND_TIMEOUT_MS),
    DATABASE_URL: postgres.url.replace(String(postgres.port), String(way.port)),
  };
  const processes = await Promise.all([startBoxOffice(env), startBoxOffice(env)]);
  cleanUps.push(...processes.map(({ stop }) => stop));
  sql = new pg.Client({ connectionString: postgres.url });
  await sql.connect();
  cleanUps.push(() => sql.end());
  audit = await EntryAudit.start(sql, { url: redis.url });
  cleanUps.push(audit.close);
  log = new RequestLog();
  offices = processes.map(({ url }) => log.client(url));
  // Before anybody has looked at the list of events: nobody tells the box office of what is inserted here.
  for (const { event } of cases) {
    const sale = new Sale(event, sql, () => offices, { holdFirst: true, comeEveryMs: COME_EVERY_MS });
    await sale.open();
    sales.set(event, sale);
  }
}, 90_000);

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Resolves when nothing in a new Redis can be older than its row any more. */
async function replayed(): Promise<void> {
  const client = observer(redis);
  const isNoted = async (): Promise<boolean> => (await client.exists(REPLAYED)) === 1;
  await eventually(isNoted, { what: 'the end of the replay', withinMs: 20_000 });
  client.disconnect();
}

/** What was seen of a sale in the middle of which Redis failed. */
interface Seen {
  readonly requests: readonly LoggedRequest[];
  /** The orders that buyers know of. */
  readonly told: Awaited<ReturnType<Sale['run']>>['told'];
  readonly away: Span;
  /** How often rows were loaded meanwhile. */
  readonly loads: ReturnType<typeof loadsSoFar>;
  /** While what Redis has may be older than its row; undefined where it has lost nothing. */
  readonly transient: Span | undefined;
}

async function playFault({ losesAll, play }: Fault, awayMs: number): Promise<Omit<Seen, 'requests' | 'told'>> {
  const before = loadsSoFar(postgres);
  const fromMs = performance.now();
  await play(awayMs);
  const away = { fromMs, untilMs: performance.now() };
  const after = loadsSoFar(postgres);
  const loads = { page: after.page - before.page, seats: after.seats - before.seats };
  if (losesAll) await replayed();
  return { away, loads, transient: losesAll ? { fromMs, untilMs: performance.now() } : undefined };
}

/** The sale, with people who look on until each process has given them a page of after it out of the cache. */
async function playSale(event: string, fault: Fault, awayMs: number): Promise<Seen> {
  const visitors = new Visitors(event, offices);
  log.requests.splice(0);
  try {
    let playing: ReturnType<typeof playFault> | undefined;
    const { told } = await sales.get(event)!.run((answered) => {
      if (answered === SOLD_BEFORE) playing = playFault(fault, awayMs);
    });
    const played = await playing!;
    const { untilMs } = played.transient ?? played.away;
    const isHit = ({ cache, path, sentMs }: LoggedRequest): boolean =>
      path === pagesOf(event).page && cache === 'HIT' && sentMs > untilMs;
    const isInUse = ({ url }: HttpClient): boolean =>
      log.requests.some((request) => request.office === url && isHit(request));
    await eventually(() => offices.every(isInUse), { what: 'hits in each process', withinMs: 20_000 });
    return { ...played, told, requests: log.requests };
  } finally {
    await visitors.leave();
  }
}

describe('two processes of the box office, in the middle of a sale', () => {
  it.each(cases)(
    'G40, G45, G52, G53: whose Redis is $fault.what: nobody waits for long, every page is shown, and none is old (round $number)',
    async ({ event, fault, random }) => {
      const seen = await playSale(event, fault, between(random, LEAST_AWAY_MS, MOST_AWAY_MS));
      const { away, loads, requests } = seen;

      const caps = new Caps(COMMAND_TIMEOUT_MS);
      expect(caps.over(requests)).toEqual([]);
      expect(caps.heldUp(requests, away)).toEqual([]);
      expect(failedReads(requests)).toEqual([]);
      expect(undocumented(requests)).toEqual([]);
      expect(olderPages(requests, event, seen.transient)).toEqual([]);
      await sales.get(event)!.expectExactSql(seen.told);

      // Most who look at a page while Redis is away share the load of somebody else.
      const pages = pagesOf(event);
      const meanwhile = requests.filter(({ sentMs, endedMs }) => endedMs > away.fromMs && sentMs < away.untilMs);
      const looks = {
        page: meanwhile.filter(({ cache, path }) => path === pages.page && cache !== 'HIT').length,
        seats: meanwhile.filter(({ path }) => path === pages.seats).length,
      };
      for (const page of fault.isAway ? (['page', 'seats'] as const) : []) {
        expect(looks[page]).toBeGreaterThan(2 * HERD);
        expect(loads[page]).toBeLessThan(looks[page] / 2);
      }

      const isQuiet = async (): Promise<void> => {
        expect(await leftBehind([redis])).toEqual([]);
        expect(await audit.compare()).toMatchObject({ wrong: [] });
      };
      await eventually(isQuiet, { what: 'a cache that equals SQL', withinMs: 30_000, everyMs: 200 });
      for (const [path, body] of Object.entries(await pageRows(sql, event))) {
        // What is cached, and what the other process finds then.
        for (const office of offices) expect(await office.get(path)).toMatchObject({ status: 200, body });
      }
    },
    120_000,
  );
});
