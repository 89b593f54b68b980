import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../../src/base/errors.js';
import type { TransactionParticipant } from '../../../src/commit/participants/participant.js';
import { observe } from '../lock/lock-world.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';
import { ScriptedDatabase } from './scripted-database.js';

type Call = 'prepare' | 'commit' | 'abort';

let world: CommitWorld;
let process: CommitProcess;
let other: CommitProcess;
let one: string;
let two: string;
/** What the voters were asked, and the operations of the store, in order. */
let trail: string[];

beforeEach(async () => {
  world = new CommitWorld();
  [process, other] = [await world.process(), await world.process()];
  [one, two] = [world.inSlot(process, 0), world.inSlot(process, 1)];
  await world.write(process, [one, two], 'old');
  process.store.forget();
  trail = [];
  process.store.always('*', async (run, { operation }) => {
    trail.push(operation);
    return run();
  });
});

/** A voter that agrees, unless one of its answers is another. */
function voter(name: string, answers: Partial<Record<Call, () => void | Promise<void>>> = {}): TransactionParticipant {
  const hears = (call: Call) => (): void | Promise<void> => {
    trail.push(`${name} ${call}`);
    return answers[call]?.();
  };
  return { name, prepare: hears('prepare'), commit: hears('commit'), abort: hears('abort') };
}

const failing = (error: Error) => (): never => {
  throw error;
};
const never = (): Promise<void> => new Promise(() => undefined);
const veto = new Error('no');
const proposal = (...voters: TransactionParticipant[]) =>
  world.proposal([put(one, 'new'), put(two, 'new')], { voters });
const values = (): Promise<unknown[]> => world.values(other, [one, two]);

describe('participants that vote', () => {
  it('G14, G34: vote with the prepares, and hear of the decision before the caller does', async () => {
    let open = (): void => undefined;
    const slow = voter('slow', { commit: () => new Promise((resolve) => (open = resolve)) });
    const running = observe(process.committer.commit(proposal(voter('quick'), slow)));
    await world.clock.advanceAsync(0);
    expect(trail).toEqual([
      ...['openTransaction', 'prepare', 'prepare', 'quick prepare', 'slow prepare'],
      'decide',
      ...['settle', 'quick commit', 'slow commit'],
    ]);
    expect([running.state, await values()]).toEqual(['pending', ['new', 'new']]);
    open();
    await world.clock.advanceAsync(0);
    expect(running.state).toBe('fulfilled');
    expect(trail.slice(-2)).toEqual(['retireDecision', 'closeTransaction']);
  });

  it('G19: in one slot vote before it decides', async () => {
    const single = world.proposal([put(one, 'new')], { voters: [voter('v')] });
    const versions = await world.commit(process, single);
    expect(trail.filter((step) => step === 'decide' || step.startsWith('v '))).toEqual([
      'v prepare',
      'decide',
      'v commit',
    ]);
    expect((await other.reader.read([one]))[0]).toEqual({ value: 'new', version: versions.get(one) });
  });

  it('know the transaction, its keys and its time', async () => {
    const seen: unknown[] = [];
    const curious: TransactionParticipant = {
      name: 'curious',
      prepare: (txn) => void seen.push(txn),
      commit: (txn) => void seen.push(txn),
      abort: () => undefined,
    };
    const { txnId, ...rest } = proposal(curious);
    await world.commit(process, { txnId, ...rest });
    const txn = { id: txnId, keys: [one, two], leftMs: 10_000, isAskedFor: true, decider: expect.any(String) };
    expect(seen).toEqual([txn, txn]);
  });

  it.each([
    ['throws', failing(veto)],
    ['rejects', () => Promise.reject(veto)],
  ])('G14: one that %s ends it with its error, after all that were asked have heard of that', async (_how, prepare) => {
    await expect(world.commit(process, proposal(voter('yes'), voter('no', { prepare })))).rejects.toBe(veto);
    const last = trail.slice(trail.indexOf('no prepare') + 1);
    expect(last).toEqual(['settle', 'settle', 'yes abort', 'no abort', 'closeTransaction']);
    expect(await values()).toEqual(['old', 'old']);
    await world.expectNothingLeft(other, [one, two]);
  });

  it('G14: one that does not vote in time votes against it', async () => {
    await expect(world.commit(process, proposal(voter('mute', { prepare: never })))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { participant: 'mute' },
    });
    expect(trail).toContain('mute abort');
    expect(await values()).toEqual(['old', 'old']);
    await world.expectNothingLeft(other, [one, two]);
  });

  it('G14: all hear that a slot has refused', async () => {
    const mismatch = { kind: 'version', version: 7 } as const;
    const operations = [put(one, 'new', mismatch), put(two, 'new')];
    const running = world.commit(process, world.proposal(operations, { voters: [voter('a'), voter('b')] }));
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(trail).toEqual(expect.arrayContaining(['a abort', 'b abort']));
    expect(trail).not.toContain('decide');
  });

  it.each(['throws', 'is mute'])('one that %s at the outcome is told of, and changes nothing', async (how) => {
    const failure = new Error('too late');
    const answer = how === 'throws' ? failing(failure) : never;
    await world.commit(process, proposal(voter('v', { commit: answer }), voter('w')));
    expect(await values()).toEqual(['new', 'new']);
    await expect(
      world.commit(process, proposal(voter('v', { abort: answer }), voter('no', { prepare: failing(veto) }))),
    ).rejects.toBe(veto);
    expect(process.reported).toEqual(
      how === 'throws'
        ? [failure, failure]
        : [{ code: 'STORE_UNAVAILABLE' }, { code: 'STORE_UNAVAILABLE' }].map((each) => expect.objectContaining(each)),
    );
    expect(trail).toEqual(expect.arrayContaining(['w commit', 'no abort']));
    expect(process.committer.isIdle).toBe(true);
  });
});

describe('participants of a transaction that writes nothing', () => {
  it('vote and hear of it; the store is asked nothing when nothing was read', async () => {
    expect(await world.commit(process, world.proposal([], { voters: [voter('v')] }))).toEqual(new Map());
    expect(trail).toEqual(['v prepare', 'v commit']);
  });

  it('G16: vote before what was read is compared', async () => {
    const [entry] = await other.store.inner.readEntries([one]);
    const version = entry?.version ?? 0;
    await world.commit(process, world.proposal([check(one, version)], { voters: [voter('v')] }));
    expect(trail).toEqual(['v prepare', 'commit', 'v commit']);
    trail.length = 0;
    const stale = world.proposal([check(one, version - 1)], { voters: [voter('v')] });
    await expect(world.commit(process, stale)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(trail).toEqual(['v prepare', 'commit', 'v abort']);
  });

  it('G18: hear that a lock was lost meanwhile', async () => {
    const lost = new LockLostError('taken', { details: { names: ['lock'] } });
    const changes = { voters: [voter('v')], assertLocksHeld: failing(lost) };
    await expect(world.commit(process, world.proposal([], changes))).rejects.toBe(lost);
    expect(trail).toEqual(['v prepare', 'v abort']);
  });
});

describe('participants beside a database that decides', () => {
  it('vote after its mark, and hear of the outcome after its COMMIT', async () => {
    const database = new ScriptedDatabase();
    await world.commit(process, {
      ...proposal(voter('v', { prepare: () => void database.trail.push('vote') })),
      decider: database.decider,
    });
    expect(database.trail).toEqual(['MARK', 'vote', 'COMMIT']);
    expect(trail.slice(-2)).toEqual(['v commit', 'closeTransaction']);
  });

  it('are not asked when it cannot mark, and hear nothing', async () => {
    const database = new ScriptedDatabase();
    database.script('MARK', failing(veto));
    await expect(world.commit(process, { ...proposal(voter('v')), decider: database.decider })).rejects.toBe(veto);
    expect(trail).toEqual([]);
  });

  it('hear that it has refused', async () => {
    const database = new ScriptedDatabase();
    database.script('COMMIT', (id) => {
      database.fates.set(id, 'aborted');
      throw veto;
    });
    await expect(world.commit(process, { ...proposal(voter('v')), decider: database.decider })).rejects.toBe(veto);
    expect(trail).toContain('v abort');
    expect(await values()).toEqual(['old', 'old']);
  });
});
