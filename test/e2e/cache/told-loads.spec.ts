import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import type { LeaseRequest } from '../../../src/store/fill-operations.js';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type RedisServer, startRedisServer } from '../../support/servers/redis-server.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../../unit/lock/lock-world.js';

/** Two processes on one Redis. Their own clock stands still until a test moves it: nothing is asked because time passes. */
describe('a process that waits for the load of another one, on Redis', () => {
  const world = new TxnWorld();
  let server: RedisServer;
  let loader: TxnProcess;
  let waiter: TxnProcess;

  beforeAll(async () => {
    server = await startRedisServer();
    const on = (): Promise<TxnProcess> => world.process({ inner: redisStore(storeOptions(server)) });
    [loader, waiter] = [await on(), await on()];
  }, 30_000);

  afterAll(async () => {
    await Promise.all([loader, waiter].map(({ store }) => store.stop()));
    await server.stop();
  });

  const questions = (): readonly boolean[] =>
    waiter.store.requests<LeaseRequest>('leaseFill').map(({ tellsEnd = false }) => tellsEnd);

  /** A load of the one that has begun, and a hundred calls of the other that wait for it. */
  async function awaited(key: string) {
    const [begun, end] = [milestone(), milestone()];
    const load = async (): Promise<string> => {
      begun.reach();
      await end.reached;
      return 'theirs';
    };
    const loading = loader.cache.getOrLoad(key, load);
    await begun.reached;
    waiter.store.forget();
    const first = waiter.cache.getOrLoad(key, () => 'ours');
    await eventually(() => expect(questions()).toEqual([false, true]), { what: 'the first call waits' });
    const waiting = [first, ...Array.from({ length: 99 }, () => waiter.cache.getOrLoad(key, () => 'ours'))];
    await eventually(() => expect(questions()).toHaveLength(101), { what: 'the other calls have asked' });
    return { calls: observe(Promise.all(waiting)), loading, end: end.reach };
  }

  it('asks once to be told, and once when it is, for a hundred calls', async () => {
    const { calls, end } = await awaited('told');
    end();
    await eventually(() => expect(calls.value).toEqual(Array(100).fill('theirs')), {
      what: 'all calls have the value',
    });
    expect(questions().filter((tellsEnd) => tellsEnd)).toHaveLength(2);
  });

  it('has the value by its next look where the message got lost', async () => {
    waiter.store.next('hint', 'drop-before');
    const { calls, loading, end } = await awaited('lost');
    end();
    await loading;
    await eventually(() => expect(waiter.store.journal.some(({ fault }) => fault === 'drop-before')).toBe(true), {
      what: 'the message is lost',
    });
    expect([calls.state, questions().filter((tellsEnd) => tellsEnd).length]).toEqual(['pending', 1]);
    await world.elapse(50);
    await eventually(() => expect(calls.value).toEqual(Array(100).fill('theirs')), {
      what: 'all calls have the value',
    });
  });
});
