import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../../src/base/errors.js';
import { DATABASE_DECIDES } from '../../../src/store/intent.js';
import { gate } from '../../support/stores/scripted-store.js';
import { observe } from '../lock/lock-world.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';
import { ScriptedDatabase } from './scripted-database.js';

let world: CommitWorld;
let database: ScriptedDatabase;
let owner: CommitProcess;
let other: CommitProcess;
let one: string;
let two: string;
let read: string;

beforeEach(async () => {
  world = new CommitWorld();
  database = new ScriptedDatabase();
  [owner, other] = [await world.process(database), await world.process(database)];
  [one, two] = [world.inSlot(owner, 0), world.inSlot(owner, 1)];
  read = world.inSlot(owner, 1, 'read');
  await world.write(owner, [one, two, read], 'old');
  owner.store.forget();
});

const proposal = (changes: Parameters<CommitWorld['proposal']>[1] = {}) =>
  world.proposal([put(one, 'new'), put(two, 'new')], { decider: database.decider, ...changes });
const connectionLost = new Error('connection terminated');

/** Nothing waits beside the keys, and their values are these. */
async function expectValues(...values: (string | undefined)[]): Promise<void> {
  const entries = await other.store.inner.readEntries([one, two]);
  expect(entries.map((entry) => [entry?.value, entry?.intent])).toEqual(values.map((value) => [value, undefined]));
}

describe('a commit that a database decides', () => {
  it('G14, G16: marks, prepares and votes, compares all reads, commits the database, publishes, answers', async () => {
    database.watch(owner.store);
    const [found] = await other.store.inner.readEntries([read]);
    const operations = [put(one, 'new'), put(two, 'new'), check(read, found?.version ?? 0)];
    const versions = await world.commit(owner, world.proposal(operations, { decider: database.decider }));
    expect(database.trail).toEqual([
      'MARK',
      ...['openTransaction', 'prepare', 'prepare'],
      'commit',
      'COMMIT',
      ...['settle', 'settle'],
      'closeTransaction',
    ]);
    const entries = await other.reader.read([one, two, read]);
    expect(entries.map((entry) => entry?.value)).toEqual(['new', 'new', 'old']);
    expect([one, two, read].map((key) => versions.get(key))).toEqual(entries.map((entry) => entry?.version));
  });

  it('G14: takes the same way in one slot', async () => {
    database.watch(owner.store);
    const single = world.proposal([put(two, 'new'), check(read, 1)], { decider: database.decider });
    await expect(world.commit(owner, single)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(database.trail).toEqual([
      ...['MARK', 'openTransaction', 'prepare', 'commit'],
      ...['settle', 'ROLLBACK', 'closeTransaction'],
    ]);
    await expectValues('old', 'old');
  });

  it('shows its writes to nobody before, and says who decides', async () => {
    let seen: unknown;
    database.script('COMMIT', async () => {
      const entries = await other.store.inner.readEntries([one, two]);
      seen = [entries.map((entry) => entry?.intent?.decider), await world.values(other, [one, two])];
    });
    await world.commit(owner, proposal());
    expect(seen).toEqual([
      [DATABASE_DECIDES, DATABASE_DECIDES],
      [undefined, undefined],
    ]);
    expect(database.trail).toEqual(['MARK', 'COMMIT']);
  });

  it('G34: answers only after the owner has published in every slot', async () => {
    const stuck = gate();
    owner.store.next('settle', stuck.lateReply);
    const running = observe(owner.committer.commit(proposal()));
    await world.clock.advanceAsync(1_000);
    expect([running.state, database.trail]).toEqual(['pending', ['MARK', 'COMMIT']]);
    stuck.open();
    await world.clock.advanceAsync(0);
    expect(running.state).toBe('fulfilled');
    await expectValues('new', 'new');
  });

  it('sends nothing when it cannot mark, and rolls back before it says so', async () => {
    database.script('MARK', () => {
      throw connectionLost;
    });
    await expect(world.commit(owner, proposal())).rejects.toBe(connectionLost);
    expect(owner.store.journal).toEqual([]);
    expect(database.trail).toEqual(['MARK', 'ROLLBACK']);
  });

  it('G14, G18: takes everything back when a lock is lost before the COMMIT, which is never sent', async () => {
    const lost = new LockLostError('taken', { details: { names: ['lock'] } });
    const assertLocksHeld = (): void => {
      throw lost;
    };
    await expect(world.commit(owner, proposal({ assertLocksHeld }))).rejects.toBe(lost);
    expect(database.trail).toEqual(['MARK', 'ROLLBACK']);
    await expectValues('old', 'old');
    await world.expectNothingLeft(other, [one, two]);
  });

  it('tells of an error of the roll-back, and passes on why it rolled back', async () => {
    const failure = new Error('cannot roll back');
    database.script('ROLLBACK', () => {
      throw failure;
    });
    owner.store.next('prepare', 'refuse');
    await expect(world.commit(owner, proposal())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(owner.reported).toEqual([failure]);
    await expectValues('old', 'old');
  });

  it('G14: a key that has lost its intent loses its value, and whoever loads one meanwhile cannot publish it', async () => {
    database.script('COMMIT', async (txnId) => {
      const settling = { txnId, keys: [one], anchor: one, rememberMs: 0 };
      await other.store.inner.settle({ ...settling, verdict: 'void' });
      await other.store.inner.leaseFill({ key: one, token: 'filled', leaseMs: 60_000 });
      await other.store.inner.fill({ key: one, token: 'filled', value: 'old', ttlMs: 0, strategy: 'timestamp' });
    });
    await world.commit(owner, proposal());
    await expectValues(undefined, 'new');
  });
});

describe('a COMMIT that throws', () => {
  beforeEach(() =>
    database.script('COMMIT', () => {
      throw connectionLost;
    }),
  );

  it('G20: and happened, as the database says: the caller gets the versions', async () => {
    database.script('COMMIT', (id) => {
      database.fates.set(id, 'committed');
      throw connectionLost;
    });
    const versions = await world.commit(owner, proposal());
    expect(database.trail).toEqual(['MARK', 'COMMIT', 'RESOLVE']);
    await expectValues('new', 'new');
    expect(versions.get(one)).toBe((await other.reader.read([one]))[0]?.version);
  });

  it('G20: and never happens, as the database says: the caller gets its error, after everything was taken back', async () => {
    database.script('RESOLVE', (id) => database.fates.set(id, 'aborted'));
    await expect(world.commit(owner, proposal())).rejects.toBe(connectionLost);
    expect(database.trail).toEqual(['MARK', 'COMMIT', 'RESOLVE', 'ROLLBACK']);
    await expectValues('old', 'old');
    await world.expectNothingLeft(other, [one, two]);
  });

  it('G20: is asked for until the database knows, also when a question fails', async () => {
    let asked = 0;
    database.script('RESOLVE', (id) => {
      asked += 1;
      if (asked === 2) throw connectionLost;
      if (asked === 4) database.fates.set(id, 'committed');
    });
    await world.commit(owner, proposal());
    expect(asked).toBe(4);
    await expectValues('new', 'new');
  });

  it('G20, G21: is in doubt when the database knows in no time; others bypass what is left until it does, and make it void', async () => {
    const running = observe(owner.committer.commit(proposal()));
    await world.clock.advanceAsync(9_700);
    expect(running.state).toBe('pending');
    await world.clock.advanceAsync(600);
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT', details: { keys: [one, two] } });
    expect(database.trail).not.toContain('ROLLBACK');
    expect([await other.recovery.clearUp(), await world.values(other, [one, two])]).toEqual([
      0,
      [undefined, undefined],
    ]);
    for (const id of database.fates.keys()) database.fates.set(id, 'committed');
    await world.clock.advanceAsync(1_000);
    expect(await other.recovery.clearUp()).toBe(1);
    await expectValues(undefined, undefined);
  });

  it('G48: is asked for longer under locks, which go to others when its caller hears: it may still come', async () => {
    const running = observe(owner.committer.commit(proposal({ isUrgent: true })));
    await world.clock.advanceAsync(14_700);
    expect(running.state).toBe('pending');
    await world.clock.advanceAsync(600);
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT' });
  });
});

describe('a COMMIT of rows alone', () => {
  const rowsAlone = (): ReturnType<typeof proposal> => world.proposal([], { decider: database.decider });

  it('that is not answered in time is in doubt: it may come yet, and nobody can ask', async () => {
    database.script('COMMIT', () => new Promise(() => undefined));
    await expect(world.commit(owner, rowsAlone())).rejects.toMatchObject({
      code: 'TXN_IN_DOUBT',
      details: { keys: [] },
    });
    expect(database.trail).toEqual(['COMMIT']);
  });

  it('that fails has an error that says why', async () => {
    database.script('COMMIT', () => {
      throw connectionLost;
    });
    await expect(world.commit(owner, rowsAlone())).rejects.toBe(connectionLost);
  });
});
