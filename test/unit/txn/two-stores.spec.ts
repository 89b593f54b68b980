import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentDatabase as database } from '../../support/stores/silent-database.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let a: TxnProcess;
let b: TxnProcess;
/** Overtakes what `b` reads. */
let rival: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  a = await world.process();
  b = await world.process({ storeName: 'b' });
  rival = await world.process({ storeName: 'b' });
});

/** Reads and writes `x` in store b, and is overtaken in its first attempt. */
async function unluckyOnce(attempt: number): Promise<void> {
  await b.cache.get('x');
  await b.cache.set('x', 'mine');
  if (attempt === 1) await rival.cache.set('x', 'theirs');
}

describe('a retry in one store inside a transaction of another', () => {
  it('leaves nothing of the failed attempt in that transaction', async () => {
    await a.cache.set('n', 0);
    const attempts: number[] = [];
    const hooks: string[] = [];
    await world.finish(
      a.coordinator.run(() =>
        b.coordinator.runWithRetry(async ({ attempt }) => {
          attempts.push(attempt);
          await a.cache.set('n', ((await a.cache.get<number>('n')) ?? 0) + 1);
          a.coordinator.current()?.afterCommit(() => void hooks.push(`committed ${attempt}`));
          a.coordinator.current()?.afterRollback(() => void hooks.push(`rolled back ${attempt}`));
          await unluckyOnce(attempt);
        }),
      ),
    );
    expect([attempts, await a.cache.get('n'), await b.cache.get('x')]).toEqual([[1, 2], 1, 'mine']);
    expect(hooks).toEqual(['rolled back 1', 'committed 2']);
  });

  it('G44: makes no second attempt where a database decides that one: the rows of the first would stay', async () => {
    a = await world.process({ txn: { database } });
    const rows: string[] = [];
    const deciding = a.coordinator.withDatabase(database, async (beforeCommit) => {
      const retried = b.coordinator.runWithRetry(async ({ attempt }) => {
        rows.push(`row ${attempt}`);
        await a.cache.set('rows', rows.length);
        await unluckyOnce(attempt);
      });
      await expect(world.finish(retried)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
      await beforeCommit(async () => undefined, undefined);
    });
    await world.finish(deciding);
    expect([rows, await a.cache.get('rows')]).toEqual([['row 1'], 1]);
    // What only computes has nothing else to undo.
    let computed = 0;
    const updating = a.coordinator.withDatabase(database, async (beforeCommit) => {
      const compute = async (): Promise<number> => {
        if ((computed += 1) === 1) await rival.cache.set('n', 0);
        return computed;
      };
      await b.cache.update('n', compute);
      await beforeCommit(async () => undefined, undefined);
    });
    await world.finish(updating);
    expect(await b.cache.get('n')).toBe(2);
  });

  it('keeps what an attempt wrote there that failed for another reason, as without a retry', async () => {
    const mine = new Error('mine');
    await a.coordinator.run(async () => {
      const attempt = b.coordinator.runWithRetry(async () => {
        await a.cache.set('n', 1);
        throw mine;
      });
      await expect(attempt).rejects.toBe(mine);
    });
    expect(await a.cache.get('n')).toBe(1);
  });

  it('runs as ever when that transaction has timed out: nothing of it will be visible', async () => {
    const goOn = milestone();
    let late: Promise<void> | undefined;
    const running = observe(
      a.coordinator.run({ timeout: '1s' }, () => {
        late = goOn.reached.then(() => b.coordinator.runWithRetry(() => b.cache.set('x', 'late')));
        return late;
      }),
    );
    await world.elapse(1_500);
    expect(running.error).toMatchObject({ code: 'TXN_TIMEOUT' });
    goOn.reach();
    await late;
    expect(await rival.cache.get('x')).toBe('late');
  });

  it('marks that transaction rollback-only when an inner part of it failed, as without a retry', async () => {
    const running = a.coordinator.run(() =>
      b.coordinator.runWithRetry(async () => {
        await a.coordinator.run(() => Promise.reject(new Error('inner'))).catch(() => undefined);
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
  });
});

describe('an attempt in one store', () => {
  it('is none of another store: no number, and no locks on its keys', async () => {
    const seen: number[] = [];
    await world.finish(
      b.coordinator.runWithRetry({ propagation: 'not_supported' }, async () => {
        await a.coordinator.run(({ attempt }) => void seen.push(attempt));
        if (seen.length > 1) return;
        const version = await b.versions.bump('k');
        await rival.versions.bump('k');
        await b.versions.compareAndSet('k', version, 1);
      }),
    );
    expect([seen, a.store.count('acquireLocks')]).toEqual([[1, 1], 0]);
  });
});

describe('a call of one store in a closing application', () => {
  it('G13: may begin a transaction in another, and finishes', async () => {
    const goOn = milestone();
    const running = observe(
      a.coordinator.run(async () => {
        await goOn.reached;
        await b.coordinator.run(() => b.cache.set('x', 1));
      }),
    );
    await world.settle();
    void a.coordinator.drain(5_000);
    void b.coordinator.drain(5_000);
    goOn.reach();
    await world.elapse(100);
    expect([running.state, await a.cache.get('x')]).toEqual(['fulfilled', 1]);
  });
});

describe('a commit under a lock of another store', () => {
  it('asks to be sent at once: nobody looks at that lock again', async () => {
    await a.cache.set('k', 0);
    await b.locks.withLock('L', async () => {
      await a.coordinator.run(() => a.cache.set('k', 1));
      await a.cache.set('k', 2);
    });
    await a.locks.withLock('L', () => a.coordinator.run(() => a.cache.set('k', 3)));
    expect(a.commits().map(({ isUrgent = false }) => isUrgent)).toEqual([false, true, true, false]);
  });
});
