import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { Proposal } from '../../../src/commit/protocol/proposal.js';
import { DATABASE_DECIDES } from '../../../src/store/intent.js';
import type { FaultSettings, StoreOperation } from '../../../src/testing/faults/fault.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';
import { ScriptedDatabase } from './scripted-database.js';

/** Every operation of a commit that a database decides, writes in two slots and reads in a third. */
const STEPS = [
  'openTransaction',
  'prepare',
  'commit',
  'settle',
  'closeTransaction',
] as const satisfies readonly StoreOperation[];

/** More operations than any commit has: it arrives when everything is over. */
const LAST = 1_000;

const KINDS: readonly FaultSettings[] = [
  { kind: 'refuse' },
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'duplicate' },
  { kind: 'duplicate', afterOperations: LAST },
  { kind: 'late', afterOperations: 1 },
  { kind: 'late', afterOperations: LAST },
];

let world: CommitWorld;
let database: ScriptedDatabase;
let owner: CommitProcess;
let other: CommitProcess;
let keys: readonly [string, string];
let proposal: Proposal;

beforeEach(async () => {
  world = new CommitWorld();
  database = new ScriptedDatabase();
  [owner, other] = [await world.process(database), await world.process(database)];
  keys = [world.inSlot(owner, 0), world.inSlot(owner, 1)];
  const read = world.inSlot(owner, 2);
  const versions = await world.write(owner, [...keys, read], 'old');
  const operations = [...keys.map((key) => put(key, 'new')), check(read, versions.get(read) ?? 0)];
  proposal = world.proposal(operations, { decider: database.decider });
});

const fate = (): unknown => database.fates.get(proposal.txnId);

/** A hit is the row that is committed; a miss is never wrong. */
async function expectNothingStale(): Promise<void> {
  const row = fate() === 'committed' ? 'new' : 'old';
  for (const value of await world.values(other, keys)) expect([row, undefined]).toContain(value);
}

describe('an owner that lives', () => {
  it('G46: lists again what it could neither list nor take back, because the store was away', async () => {
    owner.store.next('openTransaction', 'refuse');
    owner.store.always('settle', 'refuse');
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    owner.store.always('settle', undefined);
    await world.expectNothingLeft(other, keys);
    expect(fate()).toBe('aborted');
  });

  it('G46: lists again what is in doubt, where a failover has lost the list', async () => {
    const away = (): never => {
      throw new Error('the database is away');
    };
    database.script('COMMIT', async (txnId) => {
      await owner.store.inner.closeTransaction({ txnId, keys, decider: DATABASE_DECIDES });
      database.script('RESOLVE', away);
      away();
    });
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
    database.fates.set(proposal.txnId, 'aborted');
    database.script('RESOLVE', () => undefined);
    await world.expectNothingLeft(other, keys);
  });

  it('G46: asks once more when its time is over, which it may have slept through with a question on its way', async () => {
    database.script('COMMIT', (txnId) => {
      database.fates.set(txnId, 'committed');
      throw new Error('the answer is lost');
    });
    let asked = 0;
    database.script('RESOLVE', () => (++asked === 1 ? new Promise(() => undefined) : undefined));
    await world.commit(owner, proposal);
    expect([asked, await world.values(other, keys)]).toEqual([2, ['new', 'new']]);
  });

  it('leaves its list alone once it has stopped', async () => {
    owner.store.next('openTransaction', 'refuse');
    owner.store.always('settle', 'refuse');
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    owner.committer.close();
    const asked = owner.count('openTransaction');
    await world.clock.advanceAsync(60_000);
    expect(owner.count('openTransaction')).toBe(asked);
  });
});

describe('a commit that a database decides, with one fault on its way', () => {
  const cases = STEPS.flatMap((step) =>
    KINDS.map((fault) => ({ step, fault, name: `${fault.kind} ${fault.afterOperations ?? ''}`.trim() })),
  );

  it.each(cases)(
    'G14, G20: $step: $name: the answer is the database’s, no hit is stale, and nothing is left',
    async ({ step, fault }) => {
      owner.store.next(step, fault);
      const answer = await world.commit(owner, proposal).then(
        () => 'committed',
        () => 'aborted',
      );
      expect(fate()).toBe(answer);
      await expectNothingStale();
      await owner.store.arrive();
      await expectNothingStale();
      await world.expectNothingLeft(other, keys);
      await expectNothingStale();
      expect(owner.committer.isIdle).toBe(true);
      expect(owner.store.journal.filter(({ operation, fault: met }) => operation === step && met).length).toBe(1);
    },
  );
});

describe('an owner that dies while a database decides', () => {
  const ENDS = ['refuse', 'drop-before', 'drop-after', 'late'] as const;
  const cases = STEPS.flatMap((step) => ENDS.map((end) => ({ step, end })));

  it.each(cases)(
    'G14, G27: in $step ($end): whoever sweeps invalidates what it has left, and no hit is stale',
    async ({ step, end }) => {
      let late: () => Promise<unknown> = async () => undefined;
      // Its connection ends with it: the database has committed, or never will.
      let isDead = false;
      database.script('COMMIT', () => {
        if (isDead) throw new Error('no connection');
      });
      owner.store.next(step, async (run) => {
        owner.store.always('*', 'drop-before');
        isDead = true;
        if (fate() === 'pending') database.fates.set(proposal.txnId, 'aborted');
        if (end === 'refuse') throw new StoreUnavailableError('it died');
        if (end === 'drop-after') await run();
        if (end === 'late') late = run;
        throw new StoreTimeoutError('it died');
      });
      await world.commit(owner, proposal).catch(() => undefined);
      await expectNothingStale();
      await world.clock.advanceAsync(10_000);
      await other.recovery.clearUp();
      const entries = await other.store.inner.readEntries(keys);
      expect(entries.map((entry) => entry?.intent)).toEqual([undefined, undefined]);
      await expectNothingStale();
      await late();
      await expectNothingStale();
      await world.expectNothingLeft(other, keys);
      await expectNothingStale();
    },
  );
});
