import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { LockScene, type LockApp } from './lock-app.js';

const LEASE_MS = 1_500;

let scene: LockScene;
let holding: LockApp;
let waiting: LockApp;

beforeAll(async () => {
  scene = await LockScene.start();
});
beforeEach(async () => {
  const options = { lock: { lease: LEASE_MS, wait: '20s' }, namespace: scene.namespace() } as const;
  [holding, waiting] = [await scene.app(options), await scene.app(options)];
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const cut = (type: 'normal' | 'pubsub'): Promise<unknown> =>
  scene.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');

describe('G6: a hand-over whose message nobody could hear', () => {
  it('reaches its waiter within 1.25 s, because the subscription was cut', async () => {
    for (let times = 0; times < 3; times += 1) {
      const holder = await holding.locks.acquire('seat');
      const next = waiting.locks.acquire('seat');
      await scene.queued(holding.locks, 'seat', 1);
      await cut('pubsub');
      await holder.release();
      const releasedAt = performance.now();
      const lock = await next;
      expect(performance.now() - releasedAt).toBeLessThan(1_250 + 500);
      await lock.release();
    }
    expect(await scene.leftovers(holding.namespace)).toEqual([]);
  });
});

describe('G3, G5, G8: when every connection is cut', () => {
  it('a holder keeps its lock and waiters their places', async () => {
    const holder = await holding.locks.acquire('seat');
    const served: string[] = [];
    const wait = (app: LockApp, name: string): Promise<void> =>
      app.locks.withLock('seat', async () => void served.push(name));
    const all: Promise<void>[] = [];
    for (const [i, app] of [waiting, holding, waiting].entries()) {
      all.push(wait(app, `waiter ${i}`));
      await scene.queued(waiting.locks, 'seat', i + 1);
    }
    const { fence } = holder;
    const cutAt = performance.now();
    await eventually(
      async () => {
        await cut('normal');
        return performance.now() - cutAt > 500;
      },
      { what: 'half a second of cuts', everyMs: 50 },
    );
    await eventually(() => performance.now() - cutAt > 2 * LEASE_MS, { what: 'two leases to pass' });
    expect([holder.isHeld(), (await waiting.locks.inspect('seat'))?.fence]).toEqual([true, fence]);
    await expect(holder.release()).resolves.toBe('released');
    await Promise.all(all);
    expect(served).toEqual(['waiter 0', 'waiter 1', 'waiter 2']);
    expect(await scene.leftovers(holding.namespace)).toEqual([]);
  });
});
