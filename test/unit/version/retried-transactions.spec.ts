import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Transaction } from '../../../src/txn/transaction.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  const version = { backoff: { initial: 0, max: 0 } };
  app = await world.process({ version });
  other = await world.process({ version });
});

const retried = <T>(work: (txn: Transaction) => Promise<T>): Promise<T> =>
  world.finish(app.coordinator.runWithRetry(work));

describe('runWithRetry', () => {
  it('G30: runs again on fresh reads until it commits, and shows the attempt', async () => {
    const attempts: [number, number][] = [];
    const result = await retried(async (txn) => {
      const n = (await app.cache.get<number>('n')) ?? 0;
      attempts.push([txn.attempt, n]);
      if (txn.attempt < 3) await other.cache.set('n', n + 10);
      await app.cache.set('n', n + 1);
      return `attempt ${txn.attempt}`;
    });
    expect([result, attempts, await other.cache.get('n')]).toEqual([
      'attempt 3',
      [
        [1, 0],
        [2, 10],
        [3, 20],
      ],
      21,
    ]);
  });

  it('G30: a failed attempt leaves nothing behind: no write, no hook, no mark, no id', async () => {
    const ids = new Set<string>();
    const hooks: string[] = [];
    await retried(async (txn) => {
      ids.add(txn.id);
      expect([await app.cache.has('left'), await app.cache.get('n')]).toEqual([
        false,
        txn.attempt === 1 ? undefined : 'theirs',
      ]);
      txn.afterCommit(() => void hooks.push(`committed ${txn.attempt}`));
      txn.afterRollback(() => void hooks.push(`rolled back ${txn.attempt}`));
      if (txn.attempt === 1) {
        await app.cache.set('left', 1);
        await other.cache.set('n', 'theirs');
      }
    });
    expect([ids.size, hooks, await other.cache.has('left')]).toEqual([2, ['rolled back 1', 'committed 2'], false]);
  });

  it('G30: inside a transaction runs once: the whole is retried where it began', async () => {
    const runs: string[] = [];
    await retried(async ({ attempt }) => {
      await app.coordinator.runWithRetry(async (inner) => {
        runs.push(`outer ${attempt}, inner ${inner.attempt}`);
        await app.cache.update<number>('n', (n = 0) => n + 1);
        if (attempt === 1) await other.cache.set('n', 10);
      });
    });
    expect(runs).toEqual(['outer 1, inner 1', 'outer 2, inner 2']);
    expect(await other.cache.get('n')).toBe(11);
  });

  it.each(['requires_new', 'not_supported'] as const)(
    'G30: of %s inside a transaction retries its own conflicts, and leaves the outer one alone',
    async (propagation) => {
      const runs: string[] = [];
      await retried(async ({ attempt }) => {
        await app.cache.set('outer', attempt);
        await app.coordinator.runWithRetry({ propagation }, async (inner) => {
          runs.push(`outer ${attempt}, inner ${inner.attempt}`);
          const version = await app.versions.current('n');
          if (inner.attempt === 1) await other.cache.set('n', 'theirs');
          if (propagation === 'requires_new') await app.cache.set('n', 'mine');
          else await app.versions.compareAndSet('n', version, 'mine');
        });
      });
      expect(runs).toEqual(['outer 1, inner 1', 'outer 1, inner 2']);
      expect(await other.cache.getMany(['outer', 'n'])).toEqual(
        new Map<string, unknown>([
          ['outer', 1],
          ['n', 'mine'],
        ]),
      );
    },
  );

  it('G30: counts the attempts of a requires_new from 1, whatever the attempt around it', async () => {
    const seen: number[] = [];
    await retried(async ({ attempt }) => {
      await app.cache.get('n');
      if (attempt === 1) await other.cache.set('n', 1);
      await app.coordinator.run({ propagation: 'requires_new' }, async (inner) => void seen.push(inner.attempt));
    });
    expect(seen).toEqual([1, 1]);
  });

  it('G30: the call’s own retry options override the module’s', async () => {
    let runs = 0;
    const running = app.coordinator.runWithRetry({ retry: { attempts: 2 } }, async () => {
      runs += 1;
      await app.cache.get('n');
      await other.cache.set('n', runs);
    });
    await expect(world.finish(running)).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { attempts: 2 } });
    expect(runs).toBe(2);
  });

  it('needs a function, and options that work', async () => {
    const { coordinator } = app;
    await expect(coordinator.run({}, undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const running = coordinator.runWithRetry({ retry: { attempts: 0 } }, async () => undefined);
    await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('a plain run', () => {
  it('G30: is not retried', async () => {
    const running = app.coordinator.run(async (txn) => {
      await app.cache.get('n');
      await other.cache.set('n', txn.attempt);
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(app.store.count('commit')).toBe(1);
  });
});
