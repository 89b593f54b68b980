import { beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseArbiter } from '../../../src/commit/deciders/database-arbiter.js';
import type { TransactionFate } from '../../../src/commit/participants/participant.js';
import { DATABASE_DECIDES } from '../../../src/store/intent.js';
import { check, type CommitProcess, CommitWorld, LONG_MS, put } from './commit-world.js';
import { ScriptedDatabase } from './scripted-database.js';

let world: CommitWorld;
let database: ScriptedDatabase;
let process: CommitProcess;
let one: string;
let two: string;

beforeEach(async () => {
  world = new CommitWorld();
  database = new ScriptedDatabase();
  process = await world.process(database);
  [one, two] = [world.inSlot(process, 0), world.inSlot(process, 1)];
  await world.write(process, [one, two], 'old');
  process.store.forget();
});

/** A transaction whose owner died after it had prepared both slots. */
async function abandoned(fate: TransactionFate): Promise<string> {
  const { txnId } = await world.prepared(process, one, { decider: DATABASE_DECIDES });
  await world.prepared(process, two, { txnId, decider: DATABASE_DECIDES });
  await process.store.inner.openTransaction({ txnId, keys: [one, two], decider: DATABASE_DECIDES }, LONG_MS);
  database.fates.set(txnId, fate);
  return txnId;
}

const stored = async (): Promise<unknown[]> =>
  (await process.store.inner.readEntries([one, two])).map((entry) => entry && [entry.value, entry.intent?.txnId]);

describe('a recovery of what a database decides', () => {
  it.each(['committed', 'aborted'] as const)(
    'G14, G27: makes it void when it is %s, and refuses a late prepare',
    async (fate) => {
      const txnId = await abandoned(fate);
      await world.clock.advanceAsync(LONG_MS);
      expect(await process.recovery.clearUp()).toBe(1);
      expect(await stored()).toEqual([undefined, undefined]);
      await world.clock.advanceAsync(LONG_MS / 2);
      const late = { txnId, decider: DATABASE_DECIDES, guards: [], leftMs: LONG_MS, guardMs: 0 };
      for (const key of [one, two]) {
        const outcome = await process.store.inner.prepare({ ...late, operations: [put(key, 'late')] });
        expect(outcome).toEqual({ kind: 'aborted' });
      }
    },
  );

  it.each(['pending', 'silent'] as const)(
    'G27: leaves it alone while the database is %s, and comes back in a second',
    async (how) => {
      const txnId = await abandoned('pending');
      if (how === 'silent')
        database.script('RESOLVE', () => {
          throw new Error('no connection');
        });
      await world.clock.advanceAsync(LONG_MS);
      expect([await process.recovery.clearUp(), process.reported]).toEqual([0, []]);
      expect(await stored()).toEqual([
        ['old', txnId],
        ['old', txnId],
      ]);
      expect(await process.store.inner.overdueTransactions(10)).toEqual([]);
      database.script('RESOLVE', () => undefined);
      database.fates.set(txnId, 'committed');
      await world.clock.advanceAsync(1_000);
      expect(await process.recovery.clearUp()).toBe(1);
      expect(await stored()).toEqual([undefined, undefined]);
    },
  );

  it('G27: in a process without a database leaves it to others', async () => {
    const without = await world.process();
    const txnId = await abandoned('committed');
    await world.clock.advanceAsync(LONG_MS);
    expect(await without.recovery.clearUp()).toBe(0);
    expect(await stored()).toEqual([
      ['old', txnId],
      ['old', txnId],
    ]);
  });

  it('G46: in a process without a database keeps it from nobody who has one, however they take turns', async () => {
    await abandoned('committed');
    const stranger = await world.process();
    await world.clock.advanceAsync(LONG_MS);
    await stranger.recovery.clearUp();
    await world.clock.advanceAsync(500);
    expect([await process.recovery.clearUp(), await stored()]).toEqual([1, [undefined, undefined]]);
  });
});

describe('an intent that a database decides', () => {
  it('G14: is a miss to whoever reads, at any time, and asks nobody', async () => {
    await abandoned('committed');
    for (let call = 0; call < 2; call += 1) {
      expect(await process.reader.read([one, two])).toEqual([undefined, undefined]);
      await world.clock.advanceAsync(LONG_MS);
    }
    expect(process.store.journal.map(({ operation }) => operation)).toEqual(['readEntries', 'readEntries']);
    expect(database.trail).toEqual([]);
  });

  it('G16: is a conflict to whoever writes before its deadline, and the database is not asked', async () => {
    const txnId = await abandoned('committed');
    const running = world.commit(process, world.proposal([put(one, 'mine'), check(two, 0)]));
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(database.trail).toEqual([]);
    expect(await stored()).toEqual([
      ['old', txnId],
      ['old', txnId],
    ]);
  });

  it.each(['committed', 'aborted'] as const)(
    'G27: past its deadline is void to whoever writes, when the database says %s',
    async (fate) => {
      await abandoned(fate);
      await world.clock.advanceAsync(LONG_MS);
      await world.commit(process, world.proposal([put(one, 'mine'), put(two, 'mine')]));
      expect(await stored()).toEqual([
        ['mine', undefined],
        ['mine', undefined],
      ]);
      expect(database.trail).toContain('RESOLVE');
    },
  );

  it('G16, G27: past its deadline is a conflict still while the database is pending', async () => {
    const txnId = await abandoned('pending');
    await world.clock.advanceAsync(LONG_MS);
    const running = world.commit(process, world.proposal([put(one, 'mine'), put(two, 'mine')]));
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect((await stored())[0]).toEqual(['old', txnId]);
  });

  it('takes the old value with it: whoever read that is in conflict', async () => {
    const [read] = await process.store.inner.readEntries([one]);
    await abandoned('aborted');
    await world.clock.advanceAsync(LONG_MS);
    const running = world.commit(process, world.proposal([put(two, 'mine'), check(one, read?.version ?? 0)]));
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: [one] } });
  });
});

describe('the arbiter', () => {
  it('asks the database once at a time for each transaction, and again when that is answered', async () => {
    const arbiter = new DatabaseArbiter(database);
    let open = (): void => undefined;
    database.script('RESOLVE', () => new Promise<void>((resolve) => (open = resolve)));
    database.fates.set('one', 'committed');
    const asked = [arbiter.ask('one'), arbiter.ask('one'), arbiter.ask('one')];
    expect(database.trail).toEqual(['RESOLVE']);
    open();
    expect(await Promise.all(asked)).toEqual(['committed', 'committed', 'committed']);
    database.script('RESOLVE', () => undefined);
    expect(await Promise.all([arbiter.ask('one'), arbiter.ask('two')])).toEqual(['committed', 'aborted']);
    expect(database.trail).toEqual(['RESOLVE', 'RESOLVE', 'RESOLVE']);
  });

  it('presumes nothing when the database fails, or when there is none', async () => {
    database.script('RESOLVE', () => {
      throw new Error('no connection');
    });
    expect(await new DatabaseArbiter(database).ask('one')).toBe('pending');
    expect(await new DatabaseArbiter(undefined).ask('one')).toBe('pending');
  });
});
