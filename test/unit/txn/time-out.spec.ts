import { beforeEach, describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { TransactionTimeoutError } from '../../../src/base/errors.js';
import type { Transaction } from '../../../src/txn/transaction.js';
import { silentDatabase as database } from '../../support/stores/silent-database.js';
import { milestone, type Milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ txn: { timeout: '1s' } });
  other = await world.process();
});

const timedOut = { code: 'TXN_TIMEOUT', retryable: true, details: { timeoutMs: 1_000 } };

describe('a transaction that takes too long', () => {
  it('G21: settles at its deadline, not earlier and not later, and nothing of it is visible', async () => {
    const ever = milestone();
    const running = observe(
      app.coordinator.run(async () => {
        await app.cache.set('a', 1);
        await ever.reached;
      }),
    );
    await world.elapse(999);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.error).toMatchObject(timedOut);
    ever.reach();
    await world.settle();
    expect(await other.cache.has('a')).toBe(false);
  });

  it('G21: is refused when the event loop was blocked past its deadline, before its timer could run', async () => {
    const running = app.coordinator.run(async () => {
      await app.cache.set('a', 1);
      app.block(1_000);
    });
    await expect(running).rejects.toMatchObject(timedOut);
    expect(await other.cache.has('a')).toBe(false);
  });

  it('G21: settles then also where a hook before the commit of a database has failed, and its method goes on', async () => {
    const ever = milestone();
    const { coordinator } = await world.process({ txn: { timeout: '1s', database } });
    const running = observe(
      coordinator.run(async (txn) => {
        await world.settle();
        txn.beforeCommit(() => Promise.reject(new Error('no')));
        const deciding = coordinator.withDatabase(database, (beforeCommit) =>
          beforeCommit(async () => undefined, undefined),
        );
        await expect(deciding).rejects.toThrow('no');
        await ever.reached;
      }),
    );
    await world.elapse(999);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.error).toMatchObject(timedOut);
    ever.reach();
    await world.settle();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('G21: waits for a slow read no longer than that', async () => {
    const slow = milestone();
    app.store.next('readEntries', async (run) => {
      await slow.reached;
      return run();
    });
    const running = observe(app.coordinator.run(() => app.cache.get('a')));
    await world.elapse(1_000);
    expect(running.error).toMatchObject(timedOut);
    slow.reach();
    await world.settle();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('G21: includes its beforeCommit hooks in its time', async () => {
    const running = observe(
      app.coordinator.run(async (txn) => {
        txn.beforeCommit(() => new Promise(() => undefined));
        await app.cache.set('a', 1);
      }),
    );
    await world.elapse(1_000);
    expect(running.error).toMatchObject(timedOut);
  });

  it('tells its code by its signal, with the very error that its caller gets', async () => {
    let reason: unknown;
    const running = observe(
      app.coordinator.run(
        (txn) =>
          new Promise(() => {
            txn.signal.addEventListener('abort', () => (reason = txn.signal.reason));
          }),
      ),
    );
    await world.elapse(1_000);
    expect(reason).toBeInstanceOf(TransactionTimeoutError);
    expect(running.error).toBe(reason);
  });

  it.each([
    ['the module’s', {}, 1_000],
    ['its own', { timeout: '3s' }, 3_000],
  ] as const)('has %s time', async (_whose, options, ms) => {
    const running = observe(app.coordinator.run(options, () => new Promise(() => undefined)));
    await world.elapse(ms - 1);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
  });

  it('has five seconds where nobody says otherwise', async () => {
    const running = observe(other.coordinator.run(() => new Promise(() => undefined)));
    await world.elapse(4_999);
    expect(running.state).toBe('pending');
    await world.elapse(1);
    expect(running.state).toBe('rejected');
  });

  it.each([0, -1, '2h', 'soon', Number.NaN] as const)('a timeout of %j is refused', async (timeout) => {
    await expect(app.coordinator.run({ timeout: timeout as number }, async () => 1)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});

describe('work that outlives its transaction', () => {
  /** Every way in which it could touch the transaction. */
  const attempts: readonly (readonly [string, (txn: Transaction) => unknown])[] = [
    ['reads', () => app.cache.get('b')],
    ['reads what it has read before', () => app.cache.get('a')],
    ['writes', () => app.cache.set('a', 2)],
    ['deletes', () => app.cache.delete('a')],
    ['updates', () => app.cache.update('a', () => 2)],
    ['asks for a version', () => app.versions.current('a')],
    ['writes in a part that joins', () => app.coordinator.run(() => app.cache.set('a', 2))],
    ['writes in a nested part', () => app.coordinator.run({ propagation: 'nested' }, () => app.cache.set('a', 2))],
    ['does nothing in a nested part', () => app.coordinator.run({ propagation: 'nested' }, async () => 2)],
    ['hooks in before the commit', (txn) => txn.beforeCommit(() => undefined)],
    ['hooks in after the commit', (txn) => txn.afterCommit(() => undefined)],
    ['hooks in after the rollback', (txn) => txn.afterRollback(() => undefined)],
    ['hooks in after completion', (txn) => txn.afterCompletion(() => undefined)],
    ['marks it', (txn) => txn.setRollbackOnly()],
  ];

  async function late(
    attempt: (txn: Transaction) => unknown,
    transactionEnds: (go: Milestone) => Promise<void>,
  ): Promise<unknown> {
    const go = milestone();
    let zombie: Promise<unknown> = Promise.resolve();
    await app.coordinator
      .run(async (txn) => {
        await app.cache.get('a');
        zombie = go.reached.then(() => attempt(txn));
        zombie.catch(() => undefined);
        await transactionEnds(go);
      })
      .catch(() => undefined);
    go.reach();
    return zombie;
  }

  it.each(attempts)('G26: is refused with TXN_STATE when it %s after the commit', async (_what, attempt) => {
    await expect(late(attempt, async () => undefined)).rejects.toMatchObject({ code: 'TXN_STATE' });
    expect(await other.cache.has('a')).toBe(false);
  });

  it.each(attempts)('G26: is refused with the reason when it %s after the time-out', async (_what, attempt) => {
    const ended = late(attempt, () => world.elapse(1_000));
    await expect(ended).rejects.toMatchObject({ code: 'TXN_TIMEOUT' });
    expect(await other.cache.has('a')).toBe(false);
  });

  it('G26: does not find it as the current transaction', async () => {
    expect(
      await late(
        () => app.coordinator.current(),
        async () => undefined,
      ),
    ).toBeUndefined();
    expect(
      await late(
        () => app.coordinator.current(),
        async () => {
          throw new Error('rolled back');
        },
      ),
    ).toBeUndefined();
  });

  it('G26: may start a transaction of its own', async () => {
    await late(
      () => app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('a', 2)),
      async () => undefined,
    );
    expect(await other.cache.get('a')).toBe(2);
  });

  it('G26: that is a nested part still running at the commit fails, rather than succeed with writes nobody sees', async () => {
    const go = milestone();
    let part: Promise<unknown> = Promise.resolve();
    await app.coordinator.run(async () => {
      await app.cache.set('outer', 1);
      part = app.coordinator.run({ propagation: 'nested' }, async (txn) => {
        await app.cache.set('early', 1);
        await go.reached;
        expect(() => txn.afterCommit(() => undefined)).toThrow(expect.objectContaining({ code: 'TXN_STATE' }));
        await expect(app.cache.set('late', 1)).rejects.toMatchObject({ code: 'TXN_STATE' });
      });
      part.catch(() => undefined);
    });
    go.reach();
    await expect(part).rejects.toMatchObject({ code: 'TXN_STATE' });
    expect([...(await other.cache.getMany(['outer', 'early', 'late'])).keys()]).toEqual(['outer']);
  });
});

describe('a transaction that has ended', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['committed', async () => app.cache.set('b', 1)],
    ['rolled back', async () => Promise.reject(new Error('mine'))],
    ['timed out', async () => world.elapse(1_000)],
  ])('leaves no timer and no listener behind when it %s', async (_how, work) => {
    const { signal } = new AbortController();
    const lock = await app.locks.acquireHandle('a', { lease: '1d', renew: false });
    lock.onLost(() => undefined);
    let listeners = 0;
    const listen = lock.onLost.bind(lock);
    lock.onLost = (listener) => {
      const stop = listen(listener);
      listeners++;
      return () => {
        stop();
        listeners--;
      };
    };
    const kept = (): number[] => [world.clock.pendingTimers, getEventListeners(signal, 'abort').length, listeners];
    const before = kept();
    let during: number[] = [];
    const running = app.coordinator.run({ signal, locks: [lock] }, async () => {
      during = kept();
      return work();
    });
    await running.catch(() => undefined);
    expect(during).toEqual(before.map((count) => count + 1));
    expect(kept()).toEqual(before);
  });
});
