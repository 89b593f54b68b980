import { beforeEach, describe, expect, it } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

const rolledBack = { code: 'TXN_ROLLED_BACK' };
const failing =
  (work: () => Promise<unknown> = async () => undefined) =>
  async (): Promise<never> => {
    await work();
    throw new Error('inner');
  };
const visible = async (): Promise<string[]> => [...(await other.cache.getMany(['a', 'b', 'c'])).keys()];

describe('a transaction that is marked rollback-only', () => {
  it('G22: goes on to its end and commits nothing; its caller gets the reason', async () => {
    let wentOn = false;
    const running = app.coordinator.run(async (txn) => {
      await app.cache.set('a', 1);
      txn.setRollbackOnly('out of stock');
      txn.setRollbackOnly('a later reason');
      expect(await app.cache.get('a')).toBe(1);
      wentOn = true;
    });
    await expect(running).rejects.toMatchObject({ ...rolledBack, message: expect.stringContaining('out of stock') });
    expect([wentOn, await visible(), app.store.count('commit')]).toEqual([true, [], 0]);
  });

  it('G22: passes the error of its function through rather than the mark', async () => {
    const mine = new Error('mine');
    const running = app.coordinator.run(async (txn) => {
      txn.setRollbackOnly();
      throw mine;
    });
    await expect(running).rejects.toBe(mine);
  });

  it('G22: is so when an inner part that joins has failed, although the failure was caught', async () => {
    const running = app.coordinator.run(async () => {
      await app.cache.set('a', 1);
      await app.coordinator.run(failing(() => app.cache.set('b', 1))).catch(() => undefined);
      await app.cache.set('c', 1);
    });
    await expect(running).rejects.toMatchObject({ ...rolledBack, message: expect.stringContaining('inner') });
    expect(await visible()).toEqual([]);
  });

  it.each(['required', 'mandatory', 'supports'] as const)(
    'G22: is so when a %s part was marked, at any depth',
    async (propagation) => {
      const running = app.coordinator.run(async () => {
        await app.coordinator.run(() =>
          app.coordinator.run({ propagation }, async (txn) => txn.setRollbackOnly('deep')),
        );
      });
      await expect(running).rejects.toMatchObject({ ...rolledBack, message: expect.stringContaining('deep') });
    },
  );

  it('G22: is not retried', async () => {
    let runs = 0;
    const running = app.coordinator.runWithRetry(async (txn) => {
      runs += 1;
      txn.setRollbackOnly();
    });
    await expect(running).rejects.toMatchObject(rolledBack);
    expect(runs).toBe(1);
  });
});

describe('a nested part', () => {
  it('G22: undoes its own writes only, and the whole goes on', async () => {
    await app.coordinator.run(async () => {
      await app.cache.setMany({ a: 'outer', b: 'outer' });
      const part = app.coordinator.run(
        { propagation: 'nested' },
        failing(async () => {
          expect(await app.cache.get('a')).toBe('outer');
          await app.cache.setMany({ b: 'part', c: 'part' });
          await app.cache.delete('a');
          expect(await app.cache.getMany(['a', 'b', 'c'])).toEqual(
            new Map([
              ['b', 'part'],
              ['c', 'part'],
            ]),
          );
        }),
      );
      await expect(part).rejects.toThrow('inner');
      expect(await app.cache.getMany(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', 'outer'],
          ['b', 'outer'],
        ]),
      );
    });
    expect(await visible()).toEqual(['a', 'b']);
  });

  it('G22: that is marked fails, with nothing of it left, and the whole goes on', async () => {
    await app.coordinator.run(async () => {
      await app.cache.set('a', 1);
      const part = app.coordinator.run({ propagation: 'nested' }, async (txn) => {
        await app.cache.set('b', 1);
        txn.setRollbackOnly();
      });
      await expect(part).rejects.toMatchObject(rolledBack);
    });
    expect(await visible()).toEqual(['a']);
  });

  it('G22: takes the failure of a part that joins it, so that the whole goes on', async () => {
    await app.coordinator.run(async () => {
      await app.cache.set('a', 1);
      const part = app.coordinator.run({ propagation: 'nested' }, async () => {
        await app.coordinator.run(failing()).catch(() => undefined);
        await app.cache.set('b', 1);
      });
      await expect(part).rejects.toMatchObject(rolledBack);
    });
    expect(await visible()).toEqual(['a']);
  });

  it('G22: in a nested part is undone alone or with it', async () => {
    const nested = <T>(work: () => Promise<T>): Promise<T> => app.coordinator.run({ propagation: 'nested' }, work);
    await app.coordinator.run(async () => {
      await nested(async () => {
        await app.cache.set('a', 1);
        await nested(failing(() => app.cache.set('b', 1))).catch(() => undefined);
      });
      await nested(failing(() => nested(() => app.cache.set('c', 1)))).catch(() => undefined);
    });
    expect(await visible()).toEqual(['a']);
  });

  it('G22: rolls back with a whole that fails after it', async () => {
    const running = app.coordinator.run(
      failing(() => app.coordinator.run({ propagation: 'nested' }, () => app.cache.set('a', 1))),
    );
    await expect(running).rejects.toThrow('inner');
    expect(await visible()).toEqual([]);
  });

  it('G16: that was undone has read all the same: the whole is refused when that changed', async () => {
    const running = app.coordinator.run(async () => {
      await app.coordinator
        .run(
          { propagation: 'nested' },
          failing(() => app.cache.get('b')),
        )
        .catch(() => undefined);
      await other.cache.set('b', 'theirs');
      await app.cache.set('a', 1);
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: ['b'] } });
  });

  it('G22: beside another one at the same time keeps its writes apart from it', async () => {
    await app.coordinator.run(async () => {
      const parts = ['a', 'b'].map((key) =>
        app.coordinator.run({ propagation: 'nested' }, async () => {
          await app.cache.set(key, 1);
          await app.cache.get('read by both');
          expect(await app.cache.has(key === 'a' ? 'b' : 'a')).toBe(false);
          if (key === 'b') throw new Error('inner');
        }),
      );
      await Promise.allSettled(parts);
    });
    expect(await visible()).toEqual(['a']);
  });
});

describe('requires_new', () => {
  it('G22: commits what the outer one rolls back, and the reverse', async () => {
    const apart = <T>(work: () => Promise<T>): Promise<T> => app.coordinator.run({ propagation: 'requires_new' }, work);
    const outer = app.coordinator.run(failing(() => apart(() => app.cache.set('a', 1))));
    await expect(outer).rejects.toThrow('inner');
    await app.coordinator.run(async () => {
      await app.cache.set('b', 1);
      await apart(failing(() => app.cache.set('c', 1))).catch(() => undefined);
    });
    expect(await visible()).toEqual(['a', 'b']);
  });

  it('G22: sees neither the outer writes nor the outer reads', async () => {
    await other.cache.set('a', 'old');
    await app.coordinator.run({ isolation: 'read-committed' }, async () => {
      await app.cache.get('a');
      await app.cache.set('b', 'outer');
      await other.cache.set('a', 'new');
      await app.coordinator.run({ propagation: 'requires_new' }, async () => {
        expect(await app.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'new']]));
      });
      expect(await app.cache.getMany(['a', 'b'])).toEqual(
        new Map([
          ['a', 'old'],
          ['b', 'outer'],
        ]),
      );
    });
  });
});
