import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentDatabase as database } from '../../support/stores/silent-database.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
/** What is committed, and what the transaction, or the part of it, has written. */
let rows: Map<string, string>;
let written: Map<string, string>;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ txn: { database } });
  rows = new Map([['seat', 'old']]);
  await app.cache.set('seat', 'old');
});

function transaction(work: () => Promise<unknown>): Promise<unknown> {
  return world.finish(
    app.coordinator.withDatabase(database, async (beforeCommit) => {
      written = new Map(rows);
      await work();
      await beforeCommit(async () => undefined, undefined);
      rows = written;
    }),
  );
}

/** As an adapter nests: a savepoint, the work, and RELEASE, or ROLLBACK TO SAVEPOINT. */
function savepoint(work: () => unknown, release: () => void = () => undefined): Promise<unknown> {
  return app.coordinator.nestInDatabase(async (beforeRelease) => {
    const before = new Map(written);
    try {
      await work();
      beforeRelease();
    } catch (error) {
      written = before;
      throw error;
    }
    release();
  });
}

async function write(value: string): Promise<void> {
  written.set('seat', value);
  await app.cache.set('seat', value);
}

const state = async (): Promise<unknown> => [rows.get('seat'), await app.cache.get('seat')];

describe('a nested part of a database transaction', () => {
  it('G44: that is marked rollback-only is undone in both', async () => {
    await transaction(async () => {
      const part = savepoint(async () => {
        await write('new');
        app.coordinator.current()?.setRollbackOnly();
      });
      await expect(part).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    });
    expect(await state()).toEqual(['old', 'old']);
  });

  it('G44: in which an inner transaction has failed, and nobody cared, is undone in both', async () => {
    await transaction(async () => {
      const part = savepoint(async () => {
        await write('new');
        await app.coordinator.run(() => Promise.reject(new Error('no'))).catch(() => undefined);
      });
      await expect(part).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    });
    expect(await state()).toEqual(['old', 'old']);
  });

  it('G44: that fails when its savepoint is released rolls the whole back', async () => {
    const whole = transaction(async () => {
      const release = (): void => app.coordinator.current()?.setRollbackOnly();
      await savepoint(() => write('new'), release).catch(() => undefined);
    });
    await expect(whole).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    expect(await state()).toEqual(['old', 'old']);
  });

  it('G44: of the cache alone is refused: undone, its entries would be older than its rows', async () => {
    await transaction(async () => {
      const part = app.coordinator.run({ propagation: 'nested' }, () => write('new'));
      await expect(part).rejects.toMatchObject({ code: 'TXN_STATE' });
    });
    expect(await state()).toEqual(['old', 'old']);
  });
});
