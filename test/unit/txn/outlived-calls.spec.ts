import { beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../src/base/clock.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

const requiresNew = { propagation: 'requires_new' } as const;
const without = { propagation: 'not_supported' } as const;

describe('what a method does after its transaction timed out', () => {
  it.each<[string, (write: () => Promise<void>) => Promise<void>]>([
    ['by itself', (write) => app.coordinator.run(without, write)],
    ['in a transaction of its own', (write) => app.coordinator.run(requiresNew, write)],
    ['by itself in one', (write) => app.coordinator.run(requiresNew, () => app.coordinator.run(without, write))],
    ['in one within one', (write) => app.coordinator.run(requiresNew, () => app.coordinator.run(requiresNew, write))],
  ])('G18, G24: is refused %s when its lock was taken away meanwhile', async (_how, run) => {
    const goOn = milestone();
    let late: Promise<void> | undefined;
    const running = observe(
      app.locks.withLock('L', () =>
        app.coordinator.run({ timeout: '1s' }, () => {
          late = goOn.reached.then(() => run(() => app.cache.set('k', 'late')));
          return late;
        }),
      ),
    );
    await world.elapse(1_500);
    expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
    await other.locks.forceRelease('L');
    await other.locks.withLock('L', () => other.cache.set('k', 'new holder'));
    goOn.reach();
    await expect(late).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await other.cache.get('k')).toBe('new holder');
  });

  it('G21: is done under its lock, also in an inner transaction that times out later', async () => {
    const running = observe(
      app.locks.withLock('L', () =>
        app.coordinator.run({ timeout: '1s' }, () =>
          app.coordinator.run({ ...requiresNew, timeout: '2s' }, () => sleep(world.clock, 10_000)),
        ),
      ),
    );
    await world.elapse(9_900);
    expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
    expect(await other.locks.tryAcquire('L')).toBeNull();
    await world.elapse(200);
    expect(await other.locks.tryAcquire('L')).not.toBeNull();
  });

  it('G10: may enter its own lock again, and does not wait for itself', async () => {
    let entered: Promise<string> | undefined;
    observe(
      app.locks.withLock('L', () =>
        app.coordinator.run({ timeout: '1s' }, async () => {
          await sleep(world.clock, 1_500);
          entered = app.locks.withLock('L', { wait: 0 }, () => 'entered');
          await entered;
        }),
      ),
    );
    await world.elapse(2_000);
    expect(await entered).toBe('entered');
    expect(await other.locks.tryAcquire('L')).not.toBeNull();
  });
});
