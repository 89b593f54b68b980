import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { eventually } from '../../support/eventually.js';
import { startPostgresServer, type PostgresServer } from '../../support/servers/postgres-server.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { OneTransaction } from './one-transaction.js';

const [OLD, NEW] = ['old', 'new'].map((value) => [value, value, value]);
/** The owner's own COMMIT, not the last word of a question. */
const COMMIT = /^Q[\s\S]{4}COMMIT\0/;
const LIMIT_MS = 60_000;

let cluster: RedisCluster;
let postgres: PostgresServer;
let one: OneTransaction;

beforeAll(async () => {
  // Nobody is to be elected here: a starved machine makes a node look dead.
  [cluster, postgres] = await Promise.all([
    startRedisCluster({ args: ['--cluster-node-timeout', '15000'] }),
    startPostgresServer(),
  ]);
}, LIMIT_MS);

beforeEach(async () => {
  one = await OneTransaction.start(cluster, postgres);
}, LIMIT_MS);

afterEach(() => one.stop());

afterAll(async () => {
  await Promise.all([cluster.stop(), postgres.stop()]);
});

/** Once the owner's next message of this kind has arrived, nothing of it does any more. Resolves then. */
function deathAfter(operation: StoreOperation): Promise<void> {
  return new Promise((died) => {
    one.store.next(operation, async (run) => {
      await run();
      one.store.always('*', () => one.silence);
      died();
      return one.silence;
    });
  });
}

describe('the database commits, and the cache fails (F31)', () => {
  it.each(['refuse', 'drop-before', 'drop-after'] as const)(
    'the caller is told that it is committed, nobody reads the old value, and nothing is left, when settlements meet %s',
    async (fault) => {
      one.store.always('settle', fault);
      expect(await one.run()).toBe('committed');
      await one.join();
      expect(await one.readAll()).toEqual(['new']);
      one.store.clear();
      for (const entry of await one.settled()) expect(['new', undefined]).toContain(entry);
      expect(await one.readAll()).toEqual(['new']);
    },
    LIMIT_MS,
  );

  it(
    'G44, G46: a COMMIT whose answer is lost counts',
    async () => {
      one.proxy.set({ loseReply: 1, losable: COMMIT });
      expect(await one.run()).toBe('committed');
      expect(await one.settled()).toEqual(NEW);
    },
    LIMIT_MS,
  );
});

describe('the cache prepares, and the database does not commit (F31)', () => {
  it(
    'G44: a COMMIT that is refused leaves rows and entries as they were',
    async () => {
      const told = await one.run(`UPDATE ${one.table} SET number = 1`);
      expect(told).toMatchObject({ refused: { code: '23505' } });
      expect(await one.settled()).toEqual(OLD);
      await one.join();
      expect(await one.readAll()).toEqual(['old']);
    },
    LIMIT_MS,
  );

  it(
    'G44: a COMMIT that is lost leaves rows and entries as they were',
    async () => {
      one.proxy.set({ loseRequest: 1, losable: COMMIT });
      expect(await one.run()).not.toBe('committed');
      expect([...(await one.rows()).values()]).toEqual(OLD);
      expect(await one.settled()).toEqual(OLD);
    },
    LIMIT_MS,
  );

  it(
    'a slot that does not prepare leaves rows and entries as they were',
    async () => {
      one.store.next('prepare', 'refuse');
      expect(await one.run()).toMatchObject({ refused: { code: 'STORE_UNAVAILABLE' } });
      expect([...(await one.rows()).values()]).toEqual(OLD);
      expect(await one.settled()).toEqual(OLD);
    },
    LIMIT_MS,
  );
});

describe('several clear up after one owner at the same time (F30)', () => {
  it.each([
    ['before its COMMIT', 'prepare', 'old', ['pending', 'aborted']],
    ['after its COMMIT', 'settle', 'new', ['committed']],
  ] as const)(
    'G46: and all come to the same outcome when it dies %s',
    async (_when, operation, value, fates) => {
      const death = deathAfter(operation);
      void one.run();
      await Promise.all([death, one.join(), one.join(), one.join()]);
      await eventually(async () => {
        expect(await one.readAll()).toEqual([value]);
        const found = await one.fates();
        for (const fate of found) expect(fates).toContain(fate);
        expect(found).toEqual([fates.at(-1)]);
      });
      const entries = await one.settled();
      for (const entry of entries) expect([value, undefined]).toContain(entry);
      expect(await one.readAll()).toEqual([value]);
      expect(await one.fates()).toEqual([fates.at(-1)]);
    },
    LIMIT_MS,
  );
});
