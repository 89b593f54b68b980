import { beforeEach, describe, expect, it } from '@jest/globals';
import { gate } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;
let caller: AbortController;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  other = await world.process();
  caller = new AbortController();
});

const aborted = { code: 'TXN_ABORTED', retryable: false };

describe('a caller that goes away', () => {
  it('G36: aborts the signal of the transaction, whose reads and writes are then refused, and nothing is visible', async () => {
    const running = app.coordinator.run({ signal: caller.signal }, async (txn) => {
      await app.cache.set('a', 1);
      caller.abort(new Error('gone'));
      expect(txn.signal.reason).toMatchObject({ ...aborted, cause: new Error('gone') });
      await expect(app.cache.get('b')).rejects.toMatchObject(aborted);
      await expect(app.cache.set('b', 1)).rejects.toMatchObject(aborted);
    });
    await expect(running).rejects.toMatchObject(aborted);
    expect((await other.cache.getMany(['a', 'b'])).size).toBe(0);
    expect(app.store.count('commit')).toBe(0);
  });

  it('G36: is answered when the method has settled, so that no lock around it is given back while it works', async () => {
    const working = milestone();
    const running = observe(
      app.locks.withLock('seat', () =>
        app.coordinator.run({ signal: caller.signal }, async () => {
          await working.reached;
        }),
      ),
    );
    await world.settle();
    caller.abort();
    await world.elapse(1_000);
    expect(running.state).toBe('pending');
    await expect(other.locks.tryAcquire('seat')).resolves.toBeNull();
    working.reach();
    await world.settle();
    expect(running.error).toMatchObject(aborted);
    await expect(other.locks.tryAcquire('seat')).resolves.not.toBeNull();
  });

  it('G21: is answered at the time-out at the latest, with the reason that came first', async () => {
    const running = observe(
      app.coordinator.run({ signal: caller.signal, timeout: '1s' }, () => new Promise(() => undefined)),
    );
    await world.elapse(10);
    caller.abort();
    await world.elapse(989);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.error).toMatchObject(aborted);
  });

  it('has its function not even begun when it was gone before', async () => {
    caller.abort();
    let ran = false;
    const running = app.coordinator.run({ signal: caller.signal }, async () => void (ran = true));
    await expect(running).rejects.toMatchObject(aborted);
    expect(ran).toBe(false);
  });

  it('cannot stop a commit that is on its way: it hears what became of it', async () => {
    app.store.next('commit', async (run) => {
      caller.abort();
      return run();
    });
    await app.coordinator.run({ signal: caller.signal }, () => app.cache.set('a', 1));
    expect(await other.cache.get('a')).toBe(1);
  });

  it('ends the pause before a retry', async () => {
    const running = observe(
      app.coordinator.runWithRetry(
        { signal: caller.signal, retry: { backoff: { initial: '1m', max: '1m' }, budget: '1h' } },
        async () => {
          await app.cache.get('a');
          await other.cache.set('a', 1);
        },
      ),
    );
    await world.settle();
    expect([running.state, world.clock.pendingTimers]).toEqual(['pending', 1]);
    caller.abort();
    await world.settle();
    expect(running.error).toMatchObject(aborted);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('tells nobody who has no transaction: the signal of supports is the caller’s own', async () => {
    await app.coordinator.run({ propagation: 'supports', signal: caller.signal }, async (txn) => {
      caller.abort();
      expect(txn.signal).toBe(caller.signal);
    });
  });
});

describe('the signal of a transaction', () => {
  it('G7: fires for a lost lock, also when somebody releases that lock as soon as he hears', async () => {
    let isAborted: boolean | undefined;
    const running = app.locks.withLock('L', { lease: '1s', renew: false }, (lock) =>
      app.coordinator.run({ timeout: '1m' }, async (txn) => {
        lock.signal.addEventListener('abort', () => void lock.release());
        await world.elapse(2_000);
        isAborted = txn.signal.aborted;
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(isAborted).toBe(true);
  });

  it.each<[string, () => void]>([
    ['its time is up', () => undefined],
    ['its caller leaves', () => caller.abort()],
    ['the application closes', () => void app.coordinator.drain(10)],
  ])('does not fire when %s during the commit, which decides', async (_what, interrupt) => {
    const slow = gate();
    let said: unknown;
    app.store.next('commit', slow.lateReply);
    const running = observe(
      app.coordinator.run({ timeout: '1s', signal: caller.signal }, async (txn) => {
        txn.signal.addEventListener('abort', () => (said = txn.signal.reason));
        await app.cache.set('k', 1);
      }),
    );
    await world.settle();
    interrupt();
    await world.elapse(1_200);
    slow.open();
    await world.settle();
    expect([running.state, said, await other.cache.get('k')]).toEqual(['fulfilled', undefined, 1]);
  });

  it.each<[string, (txn: { block: (ms: number) => void }) => Promise<void>]>([
    ['its lock is lost', () => world.elapse(2_000)],
    ['its time is up', async ({ block }) => block(70_000)],
  ])('G23: no beforeCommit hook runs once %s', async (_what, end) => {
    let hasRun = false;
    const running = app.locks.withLock('L', { lease: '1s', renew: false }, () =>
      app.coordinator.run({ timeout: '1m' }, async (txn) => {
        txn.beforeCommit(() => void (hasRun = true));
        await end(app);
      }),
    );
    await expect(running).rejects.toMatchObject({ code: expect.stringMatching(/LOCK_LOST|TXN_TIMEOUT/) });
    expect(hasRun).toBe(false);
  });
});
