import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CacheTxnStore, redisStore } from 'nestjs-cache-txn';
import { addressList, libraryCommand } from '../../support/processes/command-run.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions, storeOptions } from '../../support/servers/redis-access.js';
import { type RedisCluster, startRedisCluster } from '../../support/servers/redis-cluster.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { silentSink } from '../../support/silent-sink.js';

const NAMESPACE = 'shop';
const LONG_MS = 60_000;
const BRIEF_MS = 1;

const program = libraryCommand();
let cluster: RedisCluster;
let store: CacheTxnStore;

beforeAll(async () => {
  cluster = await startRedisCluster();
  store = redisStore(clusterStoreOptions(cluster));
  await store.start({ namespace: NAMESPACE, processLabel: 'test', report: silentSink, warn: () => undefined });
}, 30_000);

afterAll(async () => {
  program.stop();
  await store.stop();
  await cluster.stop();
});

const inDoubt = (...args: readonly string[]) =>
  program.run('in-doubt', ...args, '--cluster', addressList(cluster.nodes), '--namespace', NAMESPACE);

/** A transaction of two slots whose owner died after it had prepared them. */
async function abandoned(txnId: string, leftMs: number) {
  const keys = [`{${txnId}0}:1`, `{${txnId}1}:2`] as const;
  const [decider] = keys;
  const writes = keys.map((key) => ({ kind: 'put', key, value: '1', ttlMs: 0, strategy: 'timestamp' }) as const);
  await store.openTransaction({ txnId, keys }, leftMs);
  for (const operation of writes) {
    const share = { txnId, decider, operations: [operation], guards: [], leftMs, guardMs: leftMs };
    const { kind } = await store.prepare(share);
    expect(kind).toBe('prepared');
  }
  const decide = () => store.decide({ txnId, operations: writes.slice(0, 1), checks: [] });
  const close = () => store.closeTransaction({ txnId, keys });
  return { keys, decide, close };
}

const isListed = async (txnId: string): Promise<boolean> =>
  (await inDoubt('list')).out.some((line) => line.startsWith(`${txnId} `));

describe('in-doubt list', () => {
  it('G27: shows what is on its way and what is stuck, with the decision, and settles nothing', async () => {
    const [alive, stuck, done] = [
      await abandoned('alive', LONG_MS),
      await abandoned('stuck', BRIEF_MS),
      await abandoned('done', LONG_MS),
    ];
    await done.decide();
    await eventually(async () => {
      for (let look = 0; look < 2; look += 1) {
        const { code, out, err } = await inDoubt('list');
        expect([code, err]).toEqual([0, []]);
        expect(out[1]).toMatch(/^stuck {2}\d+\.\d s late {2,3}pending {4}"\{stuck0\}:1" "\{stuck1\}:2"$/);
        expect(out.slice(2, -2).sort()).toEqual([
          expect.stringMatching(/^alive {2}\d+\.\d s left {1,2}pending /),
          expect.stringMatching(/^done {3}\d+\.\d s left {1,2}committed /),
        ]);
        expect(out.at(-2)).toBe('3 on their way, 1 of them overdue.');
      }
    });
    const { out } = await inDoubt('list', '--json');
    const [first] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ id: 'stuck', keys: stuck.keys, decision: 'pending' });
    for (const each of [alive, stuck, done]) await each.close();
    expect((await inDoubt('list')).out).toEqual(['No transaction over several slots is on its way.']);
  });

  it('G40: says why when the server does not answer, with exit code 1', async () => {
    const server = await startRedisServer();
    await server.stop();
    const gone = addressList([server]);
    const { code, out, err } = await program.run('in-doubt', 'list', '--url', `redis://${gone}`, '--timeout', '10ms');
    expect([code, out]).toEqual([1, []]);
    expect(err).toEqual([expect.stringMatching(/^error: Redis did not answer within 2000 ms \(.*ECONNREFUSED/)]);
  });
});

describe('in-doubt resolve', () => {
  it.each([
    ['aborted', false, undefined],
    ['committed', true, '1'],
  ] as const)('G27: settles one as %s, and tells so', async (outcome, isDecided, value) => {
    const id = `is-${outcome}`;
    const { keys, decide } = await abandoned(id, isDecided ? LONG_MS : BRIEF_MS);
    if (isDecided) await decide();
    const run = await eventually(async () => {
      const tried = await inDoubt('resolve', id);
      expect(tried.code).toBe(0);
      return tried;
    });
    expect(run.out).toEqual([expect.stringMatching(`^${id} ${outcome}: `)]);
    const entries = await store.readEntries(keys);
    expect(entries.map((entry) => [entry?.value, entry?.intent])).toEqual(keys.map(() => [value, undefined]));
    expect(await isListed(id)).toBe(false);
  });

  it('G27: refuses one whose owner may still decide, and that one then does', async () => {
    const { decide, close } = await abandoned('young', LONG_MS);
    const { code, out, err } = await inDoubt('resolve', 'young');
    expect([code, out, err]).toEqual([1, [], [expect.stringMatching(/^young refused: its owner may still decide/)]]);
    expect(await decide()).toMatchObject({ kind: 'committed' });
    await close();
  });

  it('says that it does not know an id', async () => {
    const { code, err } = await inDoubt('resolve', 'nobody');
    expect([code, err]).toEqual([1, [expect.stringMatching(/^nobody not found: .*is the namespace right\?/)]]);
  });
});

describe('a server without slots', () => {
  it('has nothing in doubt', async () => {
    const server = await startRedisServer();
    const { tls } = storeOptions(server);
    const url = `${tls ? 'rediss' : 'redis'}://${addressList([server])}`;
    const { code, out, err } = await program.run('in-doubt', 'list', '--url', url);
    expect([code, out, err]).toEqual([0, ['No transaction over several slots is on its way.'], []]);
    await server.stop();
  });
});
