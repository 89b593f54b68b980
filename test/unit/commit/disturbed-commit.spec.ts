import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { Proposal } from '../../../src/commit/protocol/proposal.js';
import type { Fault, FaultSettings, StoreOperation } from '../../../src/testing/faults/fault.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';

/** What a caller has learnt of its commit. */
type Answer = 'committed' | 'failed' | 'in doubt';

/** Whatever can be said of a failure that left nothing behind; `TXN_IN_DOUBT` is another matter. */
const FAILURES = ['STORE_UNAVAILABLE', 'STORE_TIMEOUT', 'TXN_ABORTED', 'LOCK_LOST'];

/** Every operation of a commit that writes in two slots, reads in a third and holds a lock there. */
const STEPS = [
  'openTransaction',
  'prepare',
  'commit',
  'decide',
  'resolveCommit',
  'settle',
  'retireDecision',
  'closeTransaction',
] as const satisfies readonly StoreOperation[];

/** More operations than any commit has: it arrives when everything is over. */
const LAST = 1_000;
const HALF_AN_HOUR_MS = 1_800_000;

const KINDS: readonly FaultSettings[] = [
  { kind: 'refuse' },
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'duplicate' },
  { kind: 'duplicate', afterOperations: 3 },
  { kind: 'duplicate', afterOperations: LAST },
  { kind: 'late', afterOperations: 1 },
  { kind: 'late', afterOperations: 3 },
  { kind: 'late', afterOperations: LAST },
];

let world: CommitWorld;
let owner: CommitProcess;
let other: CommitProcess;
let keys: readonly [string, string];
let proposal: Proposal;

beforeEach(async () => {
  world = new CommitWorld();
  [owner, other] = [await world.process(), await world.process()];
  keys = [world.inSlot(owner, 0), world.inSlot(owner, 1)];
  const read = world.inSlot(owner, 2);
  const versions = await world.write(owner, [...keys, read], 'old');
  const guards = [await world.hold(owner, world.inSlot(owner, 2, 'lock'))];
  const operations = [...keys.map((key) => put(key, 'new')), check(read, versions.get(read) ?? 0)];
  proposal = world.proposal(operations, { guards });
});

/** The answer of the owner, and that it is true already for everybody else, and stays so. */
async function answerOf(): Promise<Answer> {
  const answer: Answer = await world.commit(owner, proposal).then(
    () => 'committed',
    (error: unknown) => {
      const { code } = error as { readonly code: string };
      if (code === 'TXN_IN_DOUBT') return 'in doubt';
      expect(FAILURES).toContain(code);
      return 'failed';
    },
  );
  await expectTrue(answer);
  return answer;
}

/** What others read fits the answer, and both slots agree. */
async function expectTrue(answer: Answer): Promise<void> {
  const values = await world.values(other, keys);
  expect(values[1]).toBe(values[0]);
  if (answer !== 'in doubt') expect([answer, values[0]]).toEqual([answer, answer === 'committed' ? 'new' : 'old']);
}

/** Everything that was on its way arrives, time passes, somebody sweeps: the answer is true still, and nothing is left. */
async function expectEnd(answer: Answer): Promise<void> {
  await owner.store.arrive();
  await expectTrue(answer);
  await world.expectNothingLeft(other, keys);
  await expectTrue(answer);
  const [one, two] = await other.store.inner.readEntries(keys);
  expect(one?.value).toBe(two?.value);
  expect(owner.committer.isIdle).toBe(true);
}

describe('a commit over several slots with one fault on its way', () => {
  const cases = STEPS.flatMap((step) => KINDS.map((fault) => ({ step, fault, name: named(fault) })));

  it.each(cases)('G14, G20, G27: $step: $name: the answer is true, and nothing is left', async ({ step, fault }) => {
    // The question is asked only when the answer of the decision was lost.
    if (step === 'resolveCommit') owner.store.next('decide', 'drop-after');
    owner.store.next(step, fault);
    const answer = await answerOf();
    expect(answer).not.toBe('in doubt');
    await expectEnd(answer);
    expect(owner.store.journal.filter(({ operation, fault: met }) => operation === step && met).length).toBe(1);
  });

  it.each(KINDS.map((fault) => ({ fault, name: named(fault) })))(
    'G14, G27: the second of the prepares: $name: the answer is true, and nothing is left',
    async ({ fault }) => {
      const undisturbed: Fault = (run) => run();
      owner.store.next('prepare', undisturbed, fault);
      await expectEnd(await answerOf());
    },
  );

  it('G20: the decision ran and its answer was lost: the caller gets the versions that are there', async () => {
    owner.store.next('decide', 'drop-after');
    const versions = await world.commit(owner, proposal);
    const entries = await other.reader.read(keys);
    expect(keys.map((key) => versions.get(key))).toEqual(entries.map((entry) => entry?.version));
    await expectEnd('committed');
  });

  it('G20: the decision is late: it is refused for good before the caller hears that it failed', async () => {
    owner.store.next('decide', { kind: 'late', afterOperations: LAST });
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expectEnd('failed');
  });

  it('G14, G27: a slot that is not settled can be read right as long as it takes', async () => {
    owner.store.next('settle', 'drop-before');
    await world.commit(owner, proposal);
    await world.clock.advanceAsync(HALF_AN_HOUR_MS);
    await expectEnd('committed');
  });

  it('G14, G27: a prepare that is late by half an hour leaves nothing behind', async () => {
    owner.store.next('prepare', { kind: 'late', afterOperations: LAST });
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.clock.advanceAsync(HALF_AN_HOUR_MS);
    await owner.store.arrive();
    const entries = await other.store.inner.readEntries(keys);
    expect(entries.map((entry) => [entry?.value, entry?.intent])).toEqual([
      ['old', undefined],
      ['old', undefined],
    ]);
  });

  it.each(['drop-before', 'drop-after'] as const)(
    'G20: the decision is lost (%s) and the store stays away: the caller is in doubt, and the slots agree',
    async (fault) => {
      owner.store.next('decide', fault);
      owner.store.always('resolveCommit', 'refuse');
      await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
      await expectEnd('in doubt');
      expect((await world.values(other, keys))[0]).toBe(fault === 'drop-after' ? 'new' : 'old');
    },
  );
});

describe('an owner that dies on its way', () => {
  const ENDS = ['refuse', 'drop-before', 'drop-after', 'late'] as const;
  const cases = STEPS.flatMap((step) => ENDS.map((end) => ({ step, end })));

  it.each(cases)(
    'G14, G27: in $step ($end): whoever sweeps after the deadline settles every slot alike',
    async ({ step, end }) => {
      if (step === 'resolveCommit') owner.store.next('decide', 'drop-after');
      let late: () => Promise<unknown> = async () => undefined;
      owner.store.next(step, async (run) => {
        owner.store.always('*', 'drop-before');
        if (end === 'refuse') throw new StoreUnavailableError('it died');
        if (end === 'drop-after') await run();
        if (end === 'late') late = run;
        throw new StoreTimeoutError('it died');
      });
      const answer: Answer = await world.commit(owner, proposal).then(
        () => 'committed',
        () => 'in doubt',
      );
      await expectTrue(answer);
      await world.clock.advanceAsync(10_000);
      await other.recovery.clearUp();
      const entries = await other.store.inner.readEntries(keys);
      expect(entries.map((entry) => entry?.intent)).toEqual([undefined, undefined]);
      expect(entries[1]?.value).toBe(entries[0]?.value);
      // What the dead one had sent comes last.
      await late();
      await expectTrue(answer);
      expect((await world.values(other, keys))[0]).toBe(entries[0]?.value);
      await world.expectNothingLeft(other, keys);
    },
  );

  it('G27: before its deadline it is left in peace, and commits', async () => {
    const sweeps: unknown[] = [];
    owner.store.next('decide', async (run) => {
      sweeps.push(await other.recovery.clearUp(), await world.values(other, keys));
      return run();
    });
    await world.commit(owner, proposal);
    expect(sweeps).toEqual([0, ['old', 'old']]);
    await expectEnd('committed');
  });

  it('G27: after its deadline whoever reads settles what is met, and a decision that comes later is refused', async () => {
    owner.store.next('decide', async (run) => {
      await world.clock.advanceAsync(10_000);
      expect(await world.values(other, [keys[1]])).toEqual(['old']);
      return run();
    });
    await expect(world.commit(owner, proposal)).rejects.toMatchObject({ code: 'TXN_ABORTED' });
    await expectEnd('failed');
  });
});

function named({ kind, afterOperations }: FaultSettings): string {
  if (afterOperations === undefined) return kind;
  return afterOperations === LAST ? `${kind}, at the very end` : `${kind}, after ${afterOperations} others`;
}
