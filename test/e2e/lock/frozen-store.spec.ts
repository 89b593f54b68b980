import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheTxnStore, TransactionalCache, TransactionCoordinator, type Lock } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { LockScene, type LockApp } from './lock-app.js';

const LEASE_MS = 1_000;
const STOPPED_MS = 4 * LEASE_MS;

describe('G7, G18: while Redis is stopped for four leases', () => {
  let scene: LockScene;
  let app: LockApp;
  let lock: Lock;
  let sentAtMs = 0;
  let firedAtMs = 0;
  let inFlight: Promise<unknown>;
  let late: Promise<unknown>;
  let waiting: Promise<Lock>;

  beforeAll(async () => {
    scene = await LockScene.start();
    app = await scene.app({ lock: { lease: LEASE_MS, wait: '20s' } });
    const [cache, coordinator] = [app.app.get(TransactionalCache), app.app.get(TransactionCoordinator)];
    await cache.set('seat', 'free');

    let finish: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (finish = resolve));
    sentAtMs = performance.now();
    const holding = app.locks.withLock('seat', async (held) => {
      lock = held;
      held.signal.addEventListener('abort', () => (firedAtMs = performance.now()));
      scene.server.pause();
      const write = (value: string): Promise<void> =>
        coordinator.run({ timeout: '30s' }, () => cache.set('seat', value));
      // One commit is sent while the lock is held and reaches the server when it no longer is; one is made after that.
      inFlight = write('in flight').catch((error: unknown) => error);
      await stopped;
      late = write('late').catch((error: unknown) => error);
      await Promise.all([inFlight, late]);
    });
    await eventually(() => performance.now() - sentAtMs >= STOPPED_MS, {
      what: 'four leases to pass',
      withinMs: 2 * STOPPED_MS,
    });
    waiting = app.locks.acquire('seat');
    scene.server.resume();
    finish();
    await holding;
  }, 30_000);

  afterAll(() => scene.stop());

  it('the signal of the lock fires before the lease can have ended at the server', () => {
    expect(firedAtMs).toBeGreaterThan(0);
    expect(firedAtMs - sentAtMs).toBeLessThan(LEASE_MS);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'expired' } });
  });

  it('a commit that was on its way is refused by the server when it wakes', async () => {
    expect(['LOCK_LOST', 'STORE_UNAVAILABLE', 'TXN_ABORTED']).toContain(codeOf(await inFlight));
  });

  it('a commit made afterwards is refused', async () => {
    expect(codeOf(await late)).toBe('LOCK_LOST');
  });

  it('a commit that only the server can refuse is refused there, by the token', async () => {
    const store = app.app.get(CacheTxnStore);
    const guards = [{ name: 'seat', token: lock.token }];
    const put = { kind: 'put', key: 'seat', value: '"old"', ttlMs: 0, strategy: 'counter' } as const;
    const outcome = await store.commit({ txnId: 'old', operations: [put], guards, outcomeTtlMs: 0 });
    expect(outcome).toEqual({ kind: 'lock-lost', name: 'seat' });
  });

  it('nothing of them is visible, and the next holder has a larger fence', async () => {
    const next = await waiting;
    expect(next.fence).toBeGreaterThan(lock.fence);
    await expect(app.app.get(TransactionalCache).get('seat')).resolves.toBe('free');
    await next.release();
    expect(await scene.leftovers(app.namespace)).toEqual([]);
  });
});

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}
