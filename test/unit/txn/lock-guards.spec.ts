import { beforeEach, describe, expect, it } from '@jest/globals';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

const lost = { code: 'LOCK_LOST' };

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ lock: { renew: false } });
  other = await world.process();
});

const guardNames = (): string[][] => app.commits().map(({ guards }) => guards.map(({ name }) => name));

describe('the locks of a call', () => {
  it('G18: are demanded by token in the commit itself, all names of all of them', async () => {
    await app.locks.withLock(['a', 'b'], (outer) =>
      app.locks.withLock('c', async (inner) => {
        await app.coordinator.run(() => app.cache.set('k', 1));
        const tokens = app.commits()[0]?.guards.map(({ name, token }) => [name, token]);
        expect(tokens).toEqual([
          ['a', outer.token],
          ['b', outer.token],
          ['c', inner.token],
        ]);
      }),
    );
  });

  it('G18: are demanded once when they are re-entered', async () => {
    await app.locks.withLock('a', (first) =>
      app.locks.withLock('a', async () => {
        await app.coordinator.run(() => app.cache.set('k', 1));
        expect(app.commits()[0]?.guards).toEqual([{ name: 'a', token: first.token }]);
      }),
    );
  });

  it('G18: taken away behind the holder’s back, refuse the commit at the server', async () => {
    const running = app.locks.withLock('a', () =>
      app.coordinator.run(async () => {
        await app.cache.set('k', 1);
        await other.locks.forceRelease('a');
      }),
    );
    await expect(running).rejects.toMatchObject({ ...lost, details: { names: ['a'], reason: 'taken' } });
    expect(await other.cache.has('k')).toBe(false);
  });

  it('G18: whose lease ended in a pause refuse the commit of the holder that wakes up', async () => {
    const running = app.locks.withLock('a', { lease: '1s' }, () =>
      app.coordinator.run({ timeout: '1h' }, async () => {
        await app.cache.set('k', 'old holder');
        app.block(5_000);
      }),
    );
    await expect(running).rejects.toMatchObject({ ...lost, details: { reason: 'expired' } });
    expect(app.store.count('commit')).toBe(0);
  });

  it('G18: lost during the work abort the signal of the transaction', async () => {
    const running = app.locks.withLock('a', { lease: '1s' }, (lock) =>
      app.coordinator.run(async (txn) => {
        await world.elapse(1_000);
        expect(txn.signal.reason).toBe(lock.signal.reason);
        await expect(app.cache.set('k', 1)).rejects.toMatchObject(lost);
      }),
    );
    await expect(running).rejects.toMatchObject(lost);
  });

  it('G24: are the condition of every write without a transaction', async () => {
    const running = app.locks.withLock('a', async () => {
      await app.cache.set('k', 1);
      await app.versions.bump('v');
      await other.locks.forceRelease('a');
      await expect(app.versions.bump('v')).rejects.toMatchObject(lost);
      await app.cache.set('k', 2);
    });
    await expect(running).rejects.toMatchObject(lost);
    expect(guardNames()).toEqual([['a'], ['a'], ['a'], ['a']]);
    expect(await other.cache.get('k')).toBe(1);
  });

  it('G18: are demanded by the independent commits inside as well', async () => {
    await app.locks.withLock('a', () =>
      app.coordinator.run(async () => {
        await app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('audit', 1));
        await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('log', 1));
        await app.cache.set('k', 1);
      }),
    );
    expect(guardNames()).toEqual([['a'], ['a'], ['a']]);
  });

  it('are no condition any more once the call has given them back by itself', async () => {
    await app.locks.withLock('a', async (lock) => {
      await lock.release();
      await app.coordinator.run(() => app.cache.set('k', 1));
    });
    expect(guardNames()).toEqual([[]]);
  });

  it.each(['requires_new', 'not_supported'] as const)(
    'G18: refuse what a timed-out holder commits later by %s, although they were given back, not lost',
    async (propagation) => {
      const wake = milestone();
      let zombie = observe(Promise.resolve());
      const running = observe(
        app.locks.withLock('a', { lease: '1h', maxHold: '1d' }, () =>
          app.coordinator.run({ timeout: '1s' }, () => {
            const late = wake.reached.then(() =>
              app.coordinator.run({ propagation }, () => app.cache.set('k', 'old holder')),
            );
            zombie = observe(late);
            return late;
          }),
        ),
      );
      await world.elapse(1_000);
      expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
      wake.reach();
      await world.settle();
      expect(zombie.error).toMatchObject(lost);
      expect(await other.cache.has('k')).toBe(false);
    },
  );

  it('G7: are nobody else’s while a method that timed out still works, and free when it has settled', async () => {
    const end = milestone();
    let signals: readonly AbortSignal[] = [];
    const running = observe(
      app.locks.withLock('a', { lease: '10s', renew: true, maxHold: '1d' }, (outer) =>
        app.locks.withLock(['b', 'c'], { lease: '10s', renew: true }, (inner) => {
          signals = [outer.signal, inner.signal];
          return app.coordinator.run({ timeout: '1s' }, () => end.reached);
        }),
      ),
    );
    await world.elapse(1_000);
    expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
    await world.elapse(60_000);
    for (const name of ['a', 'b', 'c']) expect(await other.locks.tryAcquire(name)).toBeNull();
    end.reach();
    await world.settle();
    for (const name of ['a', 'b', 'c']) expect(await other.locks.tryAcquire(name)).not.toBeNull();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    expect(app.reported).toEqual([]);
  });

  it('G7: that a method still holds after its time-out end with maxHold, if it never settles', async () => {
    const running = observe(
      app.locks.withLock('a', { renew: true, maxHold: '1m' }, () =>
        app.coordinator.run({ timeout: '1s' }, () => new Promise(() => undefined)),
      ),
    );
    await world.elapse(59_000);
    expect([running.state, await other.locks.tryAcquire('a')]).toEqual(['rejected', null]);
    await world.elapse(2_000);
    expect(await other.locks.tryAcquire('a')).not.toBeNull();
  });
});

describe('the option locks', () => {
  it('G18: adds locks got by acquire to the condition', async () => {
    const [extra, callers] = [await app.locks.acquire(['x', 'y']), 'a'];
    await app.locks.withLock(callers, () => app.coordinator.run({ locks: [extra] }, () => app.cache.set('k', 1)));
    expect(guardNames()).toEqual([['a', 'x', 'y']]);
    await other.locks.forceRelease('y');
    const running = app.coordinator.run({ locks: [extra] }, () => app.cache.set('k', 2));
    await expect(running).rejects.toMatchObject({ ...lost, details: { names: ['y'] } });
    expect(await other.cache.get('k')).toBe(1);
  });

  it('G18: refuses a lock that was given back', async () => {
    const lock = await app.locks.acquire('a');
    await lock.release();
    const running = app.coordinator.run({ locks: [lock] }, () => app.cache.set('k', 1));
    await expect(running).rejects.toMatchObject({ ...lost, details: { reason: 'released' } });
  });

  it.each(['required', 'nested', 'mandatory', 'supports'] as const)(
    'G18: of a %s part is a condition of the whole commit',
    async (propagation) => {
      const lock = await app.locks.acquire('a');
      const running = app.coordinator.run(async () => {
        await app.coordinator.run({ propagation, locks: [lock] }, () => app.cache.set('k', 1));
        await other.locks.forceRelease('a');
      });
      await expect(running).rejects.toMatchObject(lost);
      expect(await other.cache.has('k')).toBe(false);
    },
  );

  it('refuses locks of another module, and things that are no locks', async () => {
    const foreign = await other.locks.acquire('a');
    for (const lock of [foreign, { ...foreign }]) {
      const running = app.coordinator.run({ locks: [lock] }, async () => undefined);
      await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
      const joining = app.coordinator.run(() => app.coordinator.run({ locks: [lock] }, async () => undefined));
      await expect(joining).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
  });

  it('leaves out the locks of another module around the call', async () => {
    await other.locks.withLock('a', () => app.coordinator.run(() => app.cache.set('k', 1)));
    expect(guardNames()).toEqual([[]]);
  });
});
