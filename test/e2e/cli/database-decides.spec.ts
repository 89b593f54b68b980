import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CacheTxnStore, DATABASE_DECIDES, redisStore } from 'nestjs-cache-txn';
import pg from 'pg';
import { addressList, command, libraryCommand } from '../../support/processes/command-run.js';
import { type PostgresServer, startPostgresServer } from '../../support/servers/postgres-server.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type RedisServer, startRedisServer } from '../../support/servers/redis-server.js';
import { silentSink } from '../../support/silent-sink.js';

const NAMESPACE = 'shop';

const program = libraryCommand();
let redis: RedisServer;
let postgres: PostgresServer;
let client: pg.Client;
let store: CacheTxnStore;

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedisServer(), startPostgresServer()]);
  client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  expect((await command(['migrate', '--database-url', postgres.url])).code).toBe(0);
  store = redisStore(storeOptions(redis));
  await store.start({ namespace: NAMESPACE, processLabel: 'test', report: silentSink, warn: () => undefined });
}, 30_000);

afterAll(async () => {
  program.stop();
  await Promise.all([store.stop(), client.end()]);
  await Promise.all([redis.stop(), postgres.stop()]);
});

const inDoubt = (...args: readonly string[]) =>
  program.run('in-doubt', ...args, '--url', `redis://${addressList([redis])}`, '--namespace', NAMESPACE);
const withDatabase = (...args: readonly string[]) => inDoubt(...args, '--database-url', postgres.url);

/** A transaction whose owner has prepared and gone, its value still beside the write. */
async function abandoned(txnId: string): Promise<string> {
  const decider = DATABASE_DECIDES;
  const put = { kind: 'put', key: txnId, ttlMs: 0, strategy: 'timestamp' } as const;
  await store.commit({ txnId: `${txnId} before`, operations: [{ ...put, value: '0' }], guards: [], outcomeTtlMs: 0 });
  await store.openTransaction({ txnId, keys: [txnId], decider }, 1);
  const operations = [{ ...put, value: '1' }];
  await store.prepare({ txnId, decider, operations, guards: [], leftMs: 1, guardMs: 1 });
  return txnId;
}

const entryOf = async (key: string) => (await store.readEntries([key]))[0];
const mark = (txnId: string) =>
  client.query("INSERT INTO cache_txn_marker (txid, state, namespace, keys) VALUES ($1, 'C', $2, '[]')", [
    txnId,
    NAMESPACE,
  ]);

describe('in-doubt, where a database decides', () => {
  it('lists it, and says which option it needs', async () => {
    const id = await abandoned('asked');
    expect((await inDoubt('list')).out[1]).toMatch(/^asked {2}\d+\.\d s late {2,3}database {2,}"asked"$/);
    const { code, err } = await inDoubt('resolve', id);
    expect([code, err]).toEqual([1, [expect.stringMatching(/^asked refused: a database decides it.*--database-url/)]]);
    expect(await entryOf(id)).toMatchObject({ intent: { txnId: id } });
    expect((await withDatabase('resolve', id)).code).toBe(0);
  });

  it.each(['committed', 'aborted'])('tells that it is %s, and takes the value out of the cache', async (outcome) => {
    const id = await abandoned(outcome);
    if (outcome === 'committed') await mark(id);
    const { code, out } = await withDatabase('resolve', id);
    expect([code, out]).toEqual([0, [expect.stringMatching(new RegExp(`^${id} ${outcome}`))]]);
    expect(await entryOf(id)).toBeUndefined();
    expect((await inDoubt('list')).out[0]).not.toContain(id);
  });

  it('refuses while its database transaction is open, and changes nothing', async () => {
    const id = await abandoned('open');
    await client.query('BEGIN');
    await mark(id);
    const { code, err } = await withDatabase('resolve', id);
    expect([code, err]).toEqual([1, [expect.stringMatching(/^open refused: its owner may still decide/)]]);
    expect(await entryOf(id)).toMatchObject({ intent: { txnId: id } });
    await client.query('ROLLBACK');
    expect((await withDatabase('resolve', id)).out).toEqual([expect.stringMatching(/^open aborted/)]);
  });
});
