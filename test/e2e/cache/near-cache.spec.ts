import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { countTurns, type TurnCounter } from '../../support/counting/turn-counter.js';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

const namespace = 'near';
const near = { ttl: '1h', values: 'frozen' } as const;

let scene: TxnScene;

beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const loadNothing = (): Promise<Map<string, unknown>> => {
  throw new Error('nobody should load');
};

describe('near copies of two applications', () => {
  it('follow writes of each other, of one key and of many by a tag', async () => {
    const [one, two] = [
      await scene.app({ module: { namespace, cache: { near } } }),
      await scene.app({ module: { namespace, cache: { near } } }),
    ];
    await one.cache.getOrLoad('a', () => ({ n: 1 }), { tags: ['t'] });
    // The same object, so no round trip; on a busy machine the bus may begin anew in between.
    await eventually(async () => {
      const copy = await two.cache.getOrLoad('a', loadNothing);
      expect(copy).toEqual({ n: 1 });
      expect(await two.cache.getOrLoad('a', loadNothing)).toBe(copy);
    });
    await one.cache.set('a', { n: 2 }, { tags: ['t'] });
    expect(await one.cache.get('a')).toEqual({ n: 2 });
    await eventually(async () => expect(await two.cache.get('a')).toEqual({ n: 2 }), { what: 'the other has heard' });
    await one.cache.invalidateTags('t');
    expect(await one.cache.get('a')).toBeUndefined();
    await eventually(async () => expect(await two.cache.get('a')).toBeUndefined(), { what: 'the other has heard' });
  });

  it('G57: no update gets lost, however old the copies are that it is made from', async () => {
    const apps: TxnApp[] = [];
    for (const _ of [1, 2, 3])
      apps.push(await scene.app({ module: { namespace, cache: { near }, version: { attempts: 20 } } }));
    await apps[0]?.cache.set('sum', 0);
    const rounds = 20;
    await Promise.all(
      apps.map(async ({ cache }) => {
        for (let round = 0; round < rounds; round += 1) await cache.update<number>('sum', (sum = 0) => sum + 1);
      }),
    );
    const [sum] = await scene.redis.hmget(`${namespace}:e:sum`, 'v');
    expect(Number(sum)).toBe(3 * rounds);
  });
});

describe('a hot transaction', () => {
  let turns: TurnCounter;
  beforeAll(async () => {
    turns = await countTurns(scene.server.port);
  });
  afterAll(() => turns.close());

  it('of five reads and a write takes one round trip', async () => {
    const store = redisStore({ ...storeOptions(scene.server), port: turns.port });
    const { cache, coordinator } = await scene.app({ module: { store, txn: { recovery: false }, cache: { near } } });
    const keys = ['a', 'b', 'c', 'd', 'sum'];
    await cache.setMany(Object.fromEntries(keys.map((key) => [key, 1])));
    const taken: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      turns.take();
      await coordinator.run(async () => {
        const values = await cache.getMany<number>(keys);
        await cache.set(
          'sum',
          [...values.values()].reduce((sum, n) => sum + n),
        );
      });
      taken.push(turns.take());
    }
    // The bus beats once a second, and on a busy machine it may begin anew.
    expect(Math.min(...taken)).toBe(1);
    expect(await cache.get('sum')).toBe(21);
  });
});

describe('near copies whose Redis', () => {
  it('is restarted empty show nothing of before', async () => {
    let victim = await startRedisServer();
    const options = { ...storeOptions(victim), commandTimeout: 300, retryStrategy: () => 20 };
    const { cache } = await scene.app({ module: { store: redisStore(options), cache: { near } } });
    try {
      await cache.getOrLoad('a', () => 'before');
      expect(await cache.getOrLoad('a', loadNothing)).toBe('before');
      process.kill(victim.pid, 'SIGKILL');
      await victim.ended;
      // From the moment that the connection is seen to end.
      await eventually(async () => expect(await cache.getOrLoad('a', () => 'meanwhile')).toBe('meanwhile'), {
        what: 'the bus is down',
      });
      victim = await startRedisServer({ port: victim.port });
      await eventually(
        async () => {
          expect(await cache.getOrLoad('a', () => 'after')).toBe('after');
          const redis = observer(victim);
          expect(await redis.dbsize()).toBeGreaterThan(0);
          redis.disconnect();
        },
        { what: 'the value is cached again' },
      );
      expect(await cache.getOrLoad('a', loadNothing)).toBe('after');
    } finally {
      await scene.closeApps();
      await victim.stop();
    }
  });
});
