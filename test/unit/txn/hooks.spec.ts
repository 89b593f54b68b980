import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { lostReply, unavailable } from '../../support/stores/scripted-store.js';
import type { Transaction } from '../../../src/txn/transaction.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;
let ran: string[];

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
  ran = [];
});

/** Two hooks of each kind, the first of them slow, so that one that is not awaited shows. */
function hookInto(txn: Transaction, prefix = ''): void {
  const slowThenFast = (name: string) => [
    async (): Promise<void> => {
      await setImmediate();
      ran.push(`${prefix}${name} 1`);
    },
    (): void => void ran.push(`${prefix}${name} 2`),
  ];
  for (const hook of slowThenFast('beforeCommit')) txn.beforeCommit(hook);
  for (const hook of slowThenFast('afterCommit')) txn.afterCommit(hook);
  for (const hook of slowThenFast('afterRollback')) txn.afterRollback(hook);
  txn.afterCompletion(async (outcome) => {
    await setImmediate();
    ran.push(`${prefix}afterCompletion ${outcome}`);
  });
}

describe('the hooks of a transaction', () => {
  it('G23: run in the order of registration, each awaited, around a commit', async () => {
    await app.coordinator.run(async (txn) => {
      hookInto(txn);
      await app.cache.set('a', 1);
      txn.beforeCommit(async () => void ran.push(`others see a: ${await other.cache.has('a')}`));
      txn.afterCommit(async () => void ran.push(`others see a: ${await other.cache.has('a')}`));
      ran.push('method');
    });
    expect(ran).toEqual([
      'method',
      'beforeCommit 1',
      'beforeCommit 2',
      'others see a: false',
      'afterCommit 1',
      'afterCommit 2',
      'others see a: true',
      'afterCompletion committed',
    ]);
  });

  it('G23: run in order when the function fails: none before the commit, and none after it', async () => {
    const mine = new Error('mine');
    const running = app.coordinator.run(async (txn) => {
      hookInto(txn);
      throw mine;
    });
    await expect(running).rejects.toBe(mine);
    expect(ran).toEqual(['afterRollback 1', 'afterRollback 2', 'afterCompletion rolled-back']);
  });

  it('G23: may veto before the commit: the error is the caller’s, later ones do not run, nothing is visible', async () => {
    const veto = new Error('veto');
    const running = app.coordinator.run(async (txn) => {
      await app.cache.set('a', 1);
      txn.beforeCommit(() => void ran.push('first'));
      txn.beforeCommit(() => Promise.reject(veto));
      txn.beforeCommit(() => void ran.push('third'));
      txn.afterCompletion((outcome) => void ran.push(outcome));
    });
    await expect(running).rejects.toBe(veto);
    expect(ran).toEqual(['first', 'rolled-back']);
    expect([await other.cache.has('a'), app.store.count('commit')]).toEqual([false, 0]);
  });

  it('G23: may still read, write, mark and register before the commit', async () => {
    await app.coordinator.run(async (txn) => {
      txn.beforeCommit(async () => {
        await app.cache.set('late', (await app.cache.get<number>('absent')) ?? 1);
        txn.beforeCommit(() => void ran.push('registered by a hook'));
      });
    });
    expect(ran).toEqual(['registered by a hook']);
    expect(await other.cache.get('late')).toBe(1);
    const marked = app.coordinator.run(async (txn) => txn.beforeCommit(() => txn.setRollbackOnly('no')));
    await expect(marked).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
  });

  it('G23: change nothing about the outcome when they fail after the commit: the sink hears of it, the next one runs', async () => {
    const broken = new Error('broken');
    const result = await app.coordinator.run(async (txn) => {
      await app.cache.set('a', 1);
      txn.afterCommit(() => Promise.reject(broken));
      txn.afterCommit(() => {
        throw broken;
      });
      txn.afterCommit(() => void ran.push('next'));
      txn.afterCompletion(() => Promise.reject(broken));
      return 'result';
    });
    expect([result, ran, await other.cache.get('a')]).toEqual(['result', ['next'], 1]);
    expect(app.reported).toEqual(
      Array(3).fill({ error: broken, origin: { during: 'transaction hook after committed' } }),
    );
  });

  it('G23: leave the error of the function alone when they fail after the rollback', async () => {
    const mine = new Error('mine');
    const running = app.coordinator.run(async (txn) => {
      txn.afterRollback(() => Promise.reject(new Error('broken')));
      throw mine;
    });
    await expect(running).rejects.toBe(mine);
    expect(app.reported.map(({ origin }) => origin.during)).toEqual(['transaction hook after rolled-back']);
  });

  it('G23: hear of a conflict as of a rollback', async () => {
    const running = app.coordinator.run(async (txn) => {
      hookInto(txn);
      await app.cache.get('a');
      await other.cache.set('a', 1);
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(ran.slice(2)).toEqual(['afterRollback 1', 'afterRollback 2', 'afterCompletion rolled-back']);
  });

  it('G23: hear of a commit that nobody could ask for as in doubt, and neither as commit nor as rollback', async () => {
    const world = new TxnWorld();
    app = await world.process({ txn: { timeout: '1s' } });
    app.store.next('commit', lostReply);
    app.store.always('resolveCommit', unavailable);
    const running = app.coordinator.run(async (txn) => {
      txn.afterCommit(() => void ran.push('afterCommit'));
      txn.afterRollback(() => void ran.push('afterRollback'));
      txn.afterCompletion((outcome) => void ran.push(outcome));
      await app.cache.set('a', 1);
    });
    const settled = expect(running).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
    await world.elapse(10_000);
    await settled;
    expect(ran).toEqual(['in-doubt']);
  });

  it('run outside of the transaction once it has ended: what they write is a commit of its own', async () => {
    await app.coordinator.run(async (txn) => {
      txn.afterCommit(() => app.cache.set('after', 1));
      await app.cache.set('a', 1);
    });
    expect(app.commits().map(({ operations }) => operations.map(({ key }) => key))).toEqual([['a'], ['after']]);
  });
});

describe('the hooks of parts', () => {
  it('G23: of a part that joins run with the whole, in the order of registration', async () => {
    await app.coordinator.run(async (txn) => {
      txn.afterCommit(() => void ran.push('outer 1'));
      await app.coordinator.run(async (inner) => inner.afterCommit(() => void ran.push('inner')));
      txn.afterCommit(() => void ran.push('outer 2'));
      ran.push('method');
    });
    expect(ran).toEqual(['method', 'outer 1', 'inner', 'outer 2']);
  });

  it('G23: of a nested part that succeeds share the fate of the whole', async () => {
    await app.coordinator.run(async () => {
      await app.coordinator.run({ propagation: 'nested' }, async (part) => hookInto(part));
      ran.push('method');
    });
    expect(ran).toEqual([
      'method',
      'beforeCommit 1',
      'beforeCommit 2',
      'afterCommit 1',
      'afterCommit 2',
      'afterCompletion committed',
    ]);
    ran = [];
    const failing = app.coordinator.run(async () => {
      await app.coordinator.run({ propagation: 'nested' }, async (part) => hookInto(part));
      throw new Error('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    expect(ran).toEqual(['afterRollback 1', 'afterRollback 2', 'afterCompletion rolled-back']);
  });

  it('G23: of a nested part that fails run at once, as after a rollback, and never with the whole', async () => {
    await app.coordinator.run(async () => {
      const part = app.coordinator.run({ propagation: 'nested' }, async (txn) => {
        hookInto(txn);
        throw new Error('mine');
      });
      await expect(part).rejects.toThrow('mine');
      ran.push('method');
    });
    expect(ran).toEqual(['afterRollback 1', 'afterRollback 2', 'afterCompletion rolled-back', 'method']);
  });
});
