import { beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { CacheVersionedEntries } from '../../../src/cache/versioned-entries.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { TransactionCoordinator } from '../../../src/txn/transaction-coordinator.js';
import { VersionService } from '../../../src/version/version.service.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

/** Everything that a log line may show of an object, however deep it looks. */
function everyView(shown: object): string {
  const views = [{ depth: 2 }, { depth: null }, { depth: null, getters: true }];
  return [
    JSON.stringify(shown),
    JSON.stringify({ shown }),
    ...views.flatMap((options) => [inspect(shown, options), inspect([{ shown }], options)]),
  ].join('\n');
}

/** The four services on a store that nobody starts. */
function servicesOn(store: CacheTxnStore) {
  const common = { store, clock: new ManualClock(), random: () => 0.5, report: () => undefined };
  const locks = new LockService({ ...common, storeName: 'vault', options: {} });
  const coordinator = new TransactionCoordinator({ ...common, locks, options: {}, version: {}, resourceTtlMs: 1 });
  const cache = new TransactionalCache({ ...common, coordinator, options: {}, version: {} });
  const versions = new VersionService(new CacheVersionedEntries(coordinator, {}));
  return { locks, coordinator, cache, versions };
}

describe('S17: what JSON and console.log show', () => {
  let app: TxnProcess;
  beforeEach(async () => {
    app = await new TxnWorld().process();
  });

  /** The secret of the lock that was taken first. */
  const token = (): string => {
    const [request] = app.store.requests<AcquireRequest>('acquireLocks');
    expect(request?.token).toMatch(/\S{16,}/);
    return request!.token;
  };

  it('of a lock are its names, its fence and whether it is held, never its token', async () => {
    const lock = await app.locks.acquire(['seat:1', 'seat:2']);
    const shown = { names: ['seat:1', 'seat:2'], fence: lock.fence, isHeld: true };
    expect(JSON.parse(JSON.stringify({ lock }))).toEqual({ lock: shown });
    expect(inspect(lock)).toBe(`LockHandle ${inspect(shown)}`);
    expect(everyView(lock)).not.toContain(token());
    await lock.release();
    expect(JSON.parse(JSON.stringify(lock))).toEqual({ ...shown, isHeld: false });
  });

  it('of a transaction are its id and its attempt, never what it wrote or the tokens of its locks', async () => {
    const lock = await app.locks.acquire('seat:1');
    await app.coordinator.runWithRetry({ locks: [lock] }, async (txn) => {
      await app.cache.set('seat:1', 'hunter2');
      const shown = { id: txn.id, attempt: 1 };
      expect(JSON.parse(JSON.stringify({ txn }))).toEqual({ txn: shown });
      expect(inspect(txn)).toBe(`ActiveTransaction ${inspect(shown)}`);
      expect(everyView(txn)).not.toContain(token());
      expect(everyView(txn)).not.toContain('hunter2');
    });
  });

  it('of the four services is the name of their module at most, never the tokens of locks that are held', async () => {
    await app.locks.acquire('seat:1');
    for (const service of [app.locks, app.coordinator, app.cache, app.versions]) {
      expect(everyView(service)).not.toContain(token());
    }
    const { locks, coordinator, cache, versions } = servicesOn(memoryStore());
    expect([locks, coordinator, cache, versions].map((service) => JSON.stringify(service))).toEqual([
      '{"storeName":"vault"}',
      '{"storeName":"vault"}',
      '{}',
      '{}',
    ]);
    expect(inspect(locks)).toBe("LockService { storeName: 'vault' }");
  });

  it('of a Redis store and the services on it is never the password', () => {
    const nobodyListens = { onHandover: () => () => undefined, onHandoverGap: () => () => undefined };
    const store = redisStore({ url: 'redis://user:hunter2@127.0.0.1:1' });
    expect([JSON.stringify(store), inspect(store)]).toEqual(['{}', 'RedisStore {}']);
    for (const shown of [store, ...Object.values(servicesOn(Object.assign(store, nobodyListens)))]) {
      expect(everyView(shown)).not.toContain('hunter2');
    }
  });
});
