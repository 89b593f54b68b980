import { beforeEach, describe, expect, it } from '@jest/globals';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

const closing = { code: 'SHUTTING_DOWN', retryable: true };

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

describe('a coordinator that drains', () => {
  it('G13: refuses new transactions and writes at once, and goes on reading', async () => {
    await other.cache.set('a', 1);
    const draining = app.coordinator.drain(1_000);
    await expect(app.coordinator.run(async () => 1)).rejects.toMatchObject(closing);
    await expect(app.cache.set('a', 2)).rejects.toMatchObject(closing);
    await expect(app.versions.bump('a')).rejects.toMatchObject(closing);
    expect(await app.cache.get('a')).toBe(1);
    await draining;
  });

  it('G13: ends at once when nothing runs', async () => {
    const drained = observe(app.coordinator.drain(60_000));
    await world.settle();
    expect([drained.state, world.clock.pendingTimers]).toEqual(['fulfilled', 0]);
  });

  it('G13: waits for a running transaction, which commits', async () => {
    const working = milestone();
    const running = observe(
      app.coordinator.run(async () => {
        await working.reached;
        await app.cache.set('a', 1);
      }),
    );
    const drained = observe(app.coordinator.drain(1_000));
    await world.elapse(500);
    expect(drained.state).toBe('pending');
    working.reach();
    await world.elapse(20);
    expect([running.state, drained.state, await other.cache.get('a')]).toEqual(['fulfilled', 'fulfilled', 1]);
  });

  it('G13: waits for hooks after the commit', async () => {
    const hooked = milestone();
    void app.coordinator.run(async (txn) => txn.afterCommit(() => hooked.reached));
    const drained = observe(app.coordinator.drain(1_000));
    await world.elapse(500);
    expect(drained.state).toBe('pending');
    hooked.reach();
    await world.elapse(20);
    expect(drained.state).toBe('fulfilled');
  });

  it('G13: lets a running transaction start inner ones', async () => {
    const working = milestone();
    const running = app.coordinator.run(async () => {
      await working.reached;
      await app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('audit', 1));
      await app.cache.set('a', 1);
    });
    const draining = app.coordinator.drain(1_000);
    working.reach();
    await running;
    await world.elapse(20);
    await draining;
    expect((await other.cache.getMany(['a', 'audit'])).size).toBe(2);
  });

  it('G13: lets nothing begin any more when its time is up, whatever lock the call holds', async () => {
    const working = milestone();
    const refusals: unknown[] = [];
    const note = (error: unknown): void => void refusals.push(error);
    const running = app.locks.withLock('a', () =>
      app.coordinator.run({ timeout: 60_000 }, async () => {
        await working.reached;
        await app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('audit', 1)).catch(note);
        await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('alone', 1)).catch(note);
      }),
    );
    const ended = expect(running).rejects.toMatchObject(closing);
    await world.settle();
    const drained = app.coordinator.drain(300);
    await world.elapse(320);
    working.reach();
    await world.elapse(320);
    await Promise.all([ended, drained]);
    expect(refusals).toEqual([expect.objectContaining(closing), expect.objectContaining(closing)]);
    expect((await other.cache.getMany(['audit', 'alone'])).size).toBe(0);
  });

  it('G13: lets a call that holds a lock write and commit', async () => {
    const working = milestone();
    const running = app.locks.withLock('a', async () => {
      await working.reached;
      await app.cache.set('alone', 1);
      await app.coordinator.run(() => app.cache.set('together', 1));
    });
    await world.settle();
    const draining = Promise.all([app.locks.drain(1_000), app.coordinator.drain(1_000)]);
    working.reach();
    await running;
    await world.elapse(20);
    await draining;
    expect((await other.cache.getMany(['alone', 'together'])).size).toBe(2);
  });

  it('G13: rolls back what still runs after the grace, and waits as long again for it to end', async () => {
    const working = milestone();
    const running = observe(
      app.coordinator.run({ timeout: '1m' }, async (txn) => {
        await app.cache.set('a', 1);
        await working.reached;
        expect(txn.signal.reason).toMatchObject(closing);
      }),
    );
    const drained = observe(app.coordinator.drain(1_000));
    await world.elapse(1_500);
    expect([running.state, drained.state]).toEqual(['pending', 'pending']);
    working.reach();
    await world.elapse(20);
    expect(running.error).toMatchObject(closing);
    expect([drained.state, await other.cache.has('a')]).toEqual(['fulfilled', false]);
  });

  it('G13: waits for a commit that is on its way rather than leave its caller in doubt', async () => {
    const answer = milestone();
    app.store.next('commit', async (run) => {
      await answer.reached;
      return run();
    });
    const running = observe(app.coordinator.run(() => app.cache.set('a', 1)));
    const drained = observe(app.coordinator.drain(1_000));
    await world.elapse(1_500);
    expect(drained.state).toBe('pending');
    answer.reach();
    await world.elapse(20);
    expect([running.state, drained.state]).toEqual(['fulfilled', 'fulfilled']);
  });

  it('G13: gives up on a method that never ends after the second grace', async () => {
    void app.coordinator.run({ timeout: '1h' }, () => new Promise(() => undefined)).catch(() => undefined);
    const drained = observe(app.coordinator.drain(1_000));
    await world.elapse(1_999);
    expect(drained.state).toBe('pending');
    await world.elapse(21);
    expect(drained.state).toBe('fulfilled');
  });
});
