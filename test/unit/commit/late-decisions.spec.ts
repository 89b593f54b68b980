import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import { gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';

const LEASE_MS = 2_000;
const ASKING = { leaseMs: LEASE_MS, claimMs: LEASE_MS, queueMs: 0, maxWaiters: 1 };
const timedOut = (): Promise<never> => Promise.reject(new StoreTimeoutError('no answer'));

let world: CommitWorld;
let process: CommitProcess;
let other: CommitProcess;
let one: string;
let two: string;
/** In another slot than the first key. */
let lock: string;

beforeEach(async () => {
  world = new CommitWorld();
  [process, other] = [await world.process(), await world.process()];
  [one, two] = [0, 1].map((slot) => world.inSlot(process, slot)) as [string, string];
  lock = world.inSlot(process, 1, 'lock');
});

const codeOf = (running: Promise<unknown>): Promise<unknown> =>
  running.then(
    () => 'committed',
    (error: unknown) => (error as { readonly code?: string }).code,
  );

/** Takes the lock for somebody else; whether that is possible now. */
async function isFree(): Promise<boolean> {
  const { kind } = await other.store.inner.acquireLocks({ names: [lock], token: 'thief', ...ASKING });
  return kind === 'acquired';
}

describe('a lock in another slot than the one that decides', () => {
  it.each(['renewal', 'acquisition'])(
    'G18: outlasts the decision, also when a %s of its own comes meanwhile',
    async (by) => {
      const { inner } = process.store;
      await inner.acquireLocks({ names: [lock], token: 'me', ...ASKING });
      let wasFree = true;
      process.store.next('decide', async (run) => {
        if (by === 'renewal') await inner.renewLocks([{ name: lock, token: 'me', leaseMs: LEASE_MS }]);
        else await inner.acquireLocks({ names: [lock], token: 'me', ...ASKING });
        await world.clock.advanceAsync(LEASE_MS + 1_000);
        wasFree = await isFree();
        return run();
      });
      const guards = [{ name: lock, token: 'me' }];
      expect([await codeOf(world.commit(process, world.proposal([put(one, 'new')], { guards }))), wasFree]).toEqual([
        'committed',
        false,
      ]);
      await inner.releaseLocks({ names: [lock], token: 'me' });
      expect(await isFree()).toBe(true);
    },
  );

  it('G8: is of its next holder for as long as that one asks, whatever was promised to the one before', async () => {
    const { inner } = process.store;
    await inner.acquireLocks({ names: [lock], token: 'me', ...ASKING });
    await world.commit(process, world.proposal([put(one, 'new')], { guards: [{ name: lock, token: 'me' }] }));
    await inner.releaseLocks({ names: [lock], token: 'me' });
    await inner.acquireLocks({ names: [lock], token: 'next', ...ASKING });
    await inner.renewLocks([{ name: lock, token: 'next', leaseMs: LEASE_MS }]);
    await world.clock.advanceAsync(LEASE_MS);
    expect(await isFree()).toBe(true);
  });

  it('G18, G20: whoever is told that a commit is in doubt may give its locks back: it is not decided any more', async () => {
    let decide: (() => Promise<unknown>) | undefined;
    process.store.next('decide', (run) => {
      decide = run;
      return timedOut();
    });
    process.store.always('resolveCommit', timedOut);
    const guards = [await world.hold(process, lock)];
    const deadlineMs = world.clock.now() + 60_000;
    expect(await codeOf(world.commit(process, world.proposal([put(one, 'late')], { guards, deadlineMs })))).toBe(
      'TXN_IN_DOUBT',
    );
    expect(await decide?.()).toEqual({ kind: 'aborted' });
  });
});

describe('an owner', () => {
  it('G21: that dies keeps others from its keys for ten seconds, also when its transaction had an hour left', async () => {
    const stuck = gate();
    process.store.next('decide', stuck.lateRequest);
    const deadlineMs = world.clock.now() + 3_600_000;
    const dead = process.committer.commit(world.proposal([put(one, 'mine'), put(two, 'mine')], { deadlineMs }));
    await world.clock.advanceAsync(10_000);
    expect(await codeOf(world.commit(other, world.proposal([put(one, 'theirs'), put(two, 'theirs')])))).toBe(
      'committed',
    );
    stuck.open();
    expect(await codeOf(dead)).toBe('TXN_ABORTED');
  });

  it('G40: whose decision was not sent says so at once', async () => {
    process.store.next('decide', unavailable);
    process.store.always('resolveCommit', unavailable);
    const startedAtMs = world.clock.now();
    expect(await codeOf(world.commit(process, world.proposal([put(one, 'x'), put(two, 'x')])))).toBe(
      'STORE_UNAVAILABLE',
    );
    expect(world.clock.now()).toBe(startedAtMs);
  });

  it('G20: leaves no record for an hour of a conflict that the decision has found', async () => {
    const read = world.inSlot(process, 0, 'read');
    await world.write(process, [read], 'changed');
    const proposal = world.proposal([put(one, 'x'), put(two, 'x'), check(read, 0)]);
    expect(await codeOf(world.commit(process, proposal))).toBe('VERSION_CONFLICT');
    await world.clock.advanceAsync(120_000);
    const late = {
      txnId: proposal.txnId,
      decider: one,
      operations: [put(one, 'x')],
      guards: [],
      leftMs: 1,
      guardMs: 1,
    };
    expect(await process.store.inner.prepare(late)).toMatchObject({ kind: 'prepared' });
  });

  it('I10: whose taking back got lost does not keep its next attempt from its keys', async () => {
    await world.write(process, [one], 'changed');
    process.store.next('settle', timedOut);
    const stale = { kind: 'version', version: 0 } as const;
    expect(await codeOf(world.commit(process, world.proposal([put(one, 'x', stale), put(two, 'x')])))).toBe(
      'VERSION_CONFLICT',
    );
    expect(await codeOf(world.commit(process, world.proposal([put(one, 'retry'), put(two, 'retry')])))).toBe(
      'committed',
    );
  });
});

describe('a write that expects nothing', () => {
  it('G24: waits for the owner of a write that is on its way', async () => {
    const slow = gate();
    process.store.next('decide', slow.lateRequest);
    const first = process.committer.commit(world.proposal([put(one, 'first'), put(two, 'first')]));
    await world.clock.advanceAsync(0);
    const second = other.committer.commit(world.proposal([put(two, 'second')]));
    await world.clock.advanceAsync(100);
    slow.open();
    await world.clock.advanceAsync(100);
    await Promise.all([first, second]);
    expect(await world.values(other, [one, two])).toEqual(['first', 'second']);
  });

  it('G21: waits until its own deadline at most', async () => {
    await world.prepared(process, two);
    expect(await codeOf(world.commit(other, world.proposal([put(two, 'mine')])))).toBe('VERSION_CONFLICT');
  });

  it.each([
    ['lost', lostReply],
    ['refused', () => Promise.reject(new StoreUnavailableError('away'))],
  ])('G21: knows that nothing is visible when the question about the other one is %s', async (_how, fault) => {
    await world.prepared(process, two);
    other.store.next('askDecision', fault);
    expect(await codeOf(world.commit(other, world.proposal([put(two, 'mine')])))).toBe('STORE_UNAVAILABLE');
  });
});
