import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TransactionalCache, TransactionCoordinator, type Lock } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { LockScene, type LockApp } from './lock-app.js';

const LEASE_MS = 3_000;
/** A third of the lease, and what a busy machine may add: well before the deadline of the lease itself. */
const NEXT_RENEWAL_MS = LEASE_MS / 3 + 700;

let scene: LockScene;
let app: LockApp;
let cache: TransactionalCache;

beforeAll(async () => {
  scene = await LockScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());
beforeEach(async () => {
  app = await scene.app({ lock: { lease: LEASE_MS, wait: '10s' } });
  cache = app.app.get(TransactionalCache);
});

/** Ways to take a lock from under its holder. */
const THEFTS: Record<string, (key: string) => Promise<unknown>> = {
  'deleted (DEL)': (key) => scene.redis.del(key),
  'expired (PEXPIRE 1 ms)': async (key) => {
    await scene.redis.pexpire(key, 1);
    await eventually(async () => (await scene.redis.exists(key)) === 0, { what: 'the expiry' });
  },
  'released by force': () => app.locks.forceRelease('seat'),
};

describe.each(Object.entries(THEFTS))('a lock that is %s under its holder', (_how, steal) => {
  it('G7, G18: fires its signal at the next renewal, and no commit under it is accepted from the first moment', async () => {
    const coordinator = app.app.get(TransactionCoordinator);
    const write = (): Promise<void> => coordinator.run(() => cache.set('seat', 'not mine any more'));
    let takeIt: () => void = () => undefined;
    // Waits outside of the call that holds the lock, where it would be re-entry.
    const taking = new Promise<void>((resolve) => (takeIt = resolve)).then(() => app.locks.acquire('seat'));
    let stolen: Lock | undefined;
    await app.locks.withLock('seat', async (lock) => {
      stolen = lock;
      await cache.set('seat', 'mine');
      await steal(`${app.namespace}:l:seat`);
      // The holder does not know yet: the server refuses, whether nobody or somebody else holds the lock.
      await expect(write()).rejects.toMatchObject({ code: 'LOCK_LOST', details: { names: ['seat'] } });
      takeIt();
      await taking;
      expect(lock.isHeld()).toBe(true);
      await expect(write()).rejects.toMatchObject({ code: 'LOCK_LOST', details: { names: ['seat'] } });
      await expect(cache.set('seat', 'alone')).rejects.toMatchObject({ code: 'LOCK_LOST' });
      await eventually(() => lock.signal.aborted, { what: 'the signal', withinMs: NEXT_RENEWAL_MS });
      expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'taken' } });
      await expect(write()).rejects.toBe(lock.signal.reason);
    });
    await expect(cache.get('seat')).resolves.toBe('mine');

    const next = await taking;
    expect(next.fence).toBeGreaterThan(stolen?.fence ?? 0);
    await expect(stolen?.release()).resolves.toBe('lost');
    next.assertHeld();
    expect((await app.locks.inspect('seat'))?.fence).toBe(next.fence);
    await next.release();
  });
});

describe('forceRelease', () => {
  it('gives the lock to the next waiter at once, and with a fence only from the holder that was seen', async () => {
    const holder = await app.locks.acquire('seat', { renew: false });
    const waiting = app.locks.acquire('seat');
    await scene.queued(app.locks, 'seat', 1);
    await expect(app.locks.forceRelease('seat', { fence: holder.fence - 1 })).resolves.toBe(false);
    await expect(app.locks.forceRelease('seat', { fence: holder.fence })).resolves.toBe(true);
    const next = await waiting;
    expect(next.fence).toBeGreaterThan(holder.fence);
    await expect(app.locks.forceRelease('seat', { fence: holder.fence })).resolves.toBe(false);
    await expect(holder.release()).resolves.toBe('lost');
    next.assertHeld();
    await expect(next.release()).resolves.toBe('released');
  });

  it('answers false for a name that nobody holds', async () => {
    await expect(app.locks.forceRelease('seat')).resolves.toBe(false);
  });
});
