import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { redisStore, type TransactionalCache } from 'nestjs-cache-txn';
import { pgTransactional, type PgTransactional } from 'nestjs-cache-txn/pg';
import { FaultInjectingStore, gate } from 'nestjs-cache-txn/testing';
import { loadScript } from '../../../src/redis/commands/script.js';
import { type PostgresServer, startPostgresServer } from '../../support/servers/postgres-server.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions, observer } from '../../support/servers/redis-access.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { type ClusterTurns, countClusterTurns } from '../../support/counting/turn-counter.js';

let postgres: PostgresServer;
let cluster: RedisCluster;
let turns: ClusterTurns;
let scene: TxnScene;
let db: PgTransactional;
let app: TxnApp;
let cache: TransactionalCache;
let store: FaultInjectingStore;
const SCRIPTS = ['prepare', 'settle', 'transaction-open', 'commit'] as const;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** What connections of the application have sent, and not those that ask. */
const statements: string[] = [];

/** Notes what is sent on it. */
class NotingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    Object.assign(this, {
      query: (sql: unknown, ...rest: unknown[]) => {
        if (typeof sql === 'string') statements.push(sql.split(' ').slice(0, 2).join(' '));
        return query(sql, ...rest);
      },
    });
  }
}

beforeAll(async () => {
  [postgres, cluster, scene] = await Promise.all([startPostgresServer(), startRedisCluster(), TxnScene.start()]);
  turns = await countClusterTurns(cluster);
  const pool = new pg.Pool({ connectionString: postgres.url, Client: NotingClient });
  db = pgTransactional(pool, { createTable: true });
  const { options } = clusterStoreOptions(cluster).cluster;
  store = new FaultInjectingStore(
    redisStore({ cluster: { nodes: [...turns.nodes], options: { ...options, natMap: turns.natMap } } }),
  );
  app = await scene.app({ module: { store, namespace: 'turns', txn: { database: db, recovery: false } } });
  cache = app.cache;
  await db.client.query('CREATE TABLE seats (id text)');
  // The servers learn the scripts: one that does not know a script costs one turn more.
  for (const master of cluster.masters.map((each) => observer(each))) {
    await Promise.all(SCRIPTS.map((name) => master.script('LOAD', loadScript(name).source)));
    master.disconnect();
  }
  // Connections to every node.
  await cache.getMany(KEYS);
}, 60_000);

afterAll(async () => {
  await scene.stop();
  await turns.close();
  await (db.client as pg.Pool).end();
  await Promise.all([cluster.stop(), postgres.stop()]);
});

/** Waits for Redis between the end of the work and the answer, and statements of the whole. */
async function costs(work: () => Promise<unknown>): Promise<{ turns: number; statements: readonly string[] }> {
  // What follows the answer is not part of it.
  const isQuiet = (): boolean => store.journal.every(({ end }) => end !== 'pending');
  await eventually(isQuiet, { what: 'the end of earlier commits' });
  const behind = gate();
  store.always('closeTransaction', behind.before);
  statements.length = 0;
  await db.transaction(async () => {
    await work();
    turns.take();
  });
  const taken = turns.take();
  store.clear();
  behind.open();
  return { turns: taken, statements: [...statements] };
}

const MARKED = ['BEGIN', 'WITH limited', 'COMMIT'];

describe('a database transaction with the cache', () => {
  it.each([
    ['one key', { a: 1 }],
    ['keys of several slots', { a: 2, b: 2, c: 2, d: 2 }],
  ])('G19: takes two round trips to Redis and one statement more: %s', async (_keys, entries) => {
    expect(await costs(() => cache.setMany(entries))).toEqual({ turns: 2, statements: MARKED });
  });

  it('G19: takes three when it compares keys that it has only read', async () => {
    const work = async (): Promise<void> => {
      await cache.getMany(['d', 'e', 'f']);
      await cache.setMany({ a: 3, b: 3 });
    };
    expect(await costs(work)).toEqual({ turns: 3, statements: MARKED });
  });

  it('G19: that touches no key takes none, and no statement', async () => {
    expect(await costs(() => Promise.resolve())).toEqual({ turns: 0, statements: ['BEGIN', 'COMMIT'] });
  });
});
