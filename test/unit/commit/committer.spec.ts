import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError, StoreTimeoutError } from '../../../src/base/errors.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { gate } from '../../support/stores/scripted-store.js';
import { observe } from '../lock/lock-world.js';
import { check, type CommitProcess, CommitWorld, LONG_MS, put } from './commit-world.js';

/** As src/commit/protocol/times.ts says. */
const PREPARING_AT_MOST_MS = 5_000;
const MOST_IN_PASSING = 8;

let world: CommitWorld;
let process: CommitProcess;
let other: CommitProcess;
let one: string;
let two: string;
let three: string;

beforeEach(async () => {
  world = new CommitWorld();
  [process, other] = [await world.process(), await world.process()];
  [one, two, three] = [0, 1, 2].map((slot) => world.inSlot(process, slot)) as [string, string, string];
});

const steps = (): StoreOperation[] => process.store.journal.map(({ operation }) => operation);
const version = (number: number) => ({ kind: 'version', version: number }) as const;

describe('a commit', () => {
  it('of nothing asks the store nothing', async () => {
    expect(await world.commit(process, world.proposal([]))).toEqual(new Map());
    expect(steps()).toEqual([]);
  });

  it('G19: in one slot is one operation, locks included', async () => {
    const guards = [await world.hold(process, one)];
    await world.commit(process, world.proposal([put(one, 'new')], { guards }));
    expect(steps()).toEqual(['commit']);
  });

  it('G27: over several slots answers the versions that are there, of writes and reads', async () => {
    const read = world.inSlot(process, 0, 'read');
    const at = await world.write(process, [three, read], 'old');
    const checks = [three, read].map((key) => check(key, at.get(key)!));
    const versions = await world.commit(process, world.proposal([put(one, 'new'), put(two, 'new'), ...checks]));
    const keys = [one, two, three, read];
    const entries = await other.reader.read(keys);
    expect(entries.map((entry) => entry?.value)).toEqual(['new', 'new', 'old', 'old']);
    expect(keys.map((key) => versions.get(key))).toEqual(entries.map((entry) => entry?.version));
  });

  it('G27: lists itself and prepares at once, decides when all have prepared, and settles behind its answer', async () => {
    const proposal = world.proposal([put(one, 'new'), put(two, 'new')]);
    const stuck = gate();
    process.store.next('settle', stuck.lateRequest);
    await world.commit(process, proposal);
    expect(steps()).toEqual(['openTransaction', 'prepare', 'prepare', 'decide', 'settle']);
    expect(process.committer.isIdle).toBe(false);
    stuck.open();
    await world.clock.advanceAsync(0);
    expect(steps().slice(5)).toEqual(['retireDecision', 'closeTransaction']);
    expect(process.committer.isIdle).toBe(true);
  });

  it('G16, G27: compares reads of other slots after all prepares, and those of the deciding slot with the decision', async () => {
    const reads = ['r', 's'].map((prefix) => world.inSlot(process, 1, prefix));
    const checks = [...reads, three].map((key) => check(key, 0));
    await world.commit(process, world.proposal([put(one, 'new'), put(two, 'new'), ...checks]));
    expect(steps().slice(0, 5)).toEqual(['openTransaction', 'prepare', 'prepare', 'commit', 'decide']);
    const decided = process.store.journal.find(({ operation }) => operation === 'decide')?.request;
    expect(decided).toMatchObject({ operations: [{ key: two }], checks: reads.map((key) => ({ key })) });
  });

  it.each([true, false])(
    'G18: is decided at once when it relies on what only its process knows: %s',
    async (isUrgent) => {
      await world.commit(process, world.proposal([put(one, 'new'), put(two, 'new')], { isUrgent }));
      const decided = process.store.journal.find(({ operation }) => operation === 'decide')?.request;
      expect((decided as { readonly isUrgent?: boolean }).isUrgent ?? false).toBe(isUrgent);
    },
  );

  it('G16, G27: of a key that changes between its prepares and the comparison is refused as a whole', async () => {
    process.store.next('commit', async (run) => {
      await world.write(other, [three], 'newer');
      return run();
    });
    const proposal = world.proposal([put(one, 'new'), put(two, 'new'), check(three, 0)]);
    await expect(world.commit(process, proposal)).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { keys: [three] },
    });
    expect(steps()).not.toContain('decide');
    expect(await world.values(other, [one, two])).toEqual([undefined, undefined]);
    await world.expectNothingLeft(other, [one, two]);
  });

  it('G14, G27: refused by one slot takes back what others have prepared before its caller hears of it', async () => {
    await world.write(process, [two], 'old');
    const proposal = world.proposal([put(one, 'new'), put(two, 'new', version(1)), put(three, 'new')]);
    await expect(world.commit(process, proposal)).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { keys: [two] },
    });
    const entries = await other.store.inner.readEntries([one, two, three]);
    expect(entries.map((entry) => entry?.value)).toEqual([undefined, 'old', undefined]);
    expect(entries.map((entry) => entry?.intent)).toEqual([undefined, undefined, undefined]);
    expect(await world.commit(other, world.proposal([put(one, 'next'), put(three, 'next')]))).toHaveProperty('size', 2);
  });

  it('G32: over several slots tells the client’s own condition from a conflict', async () => {
    await world.write(process, [two], 'old');
    const demanded = { key: two, expected: version(1) };
    const proposal = world.proposal([put(one, 'new'), put(two, 'new', version(1))], { demanded });
    await expect(world.commit(process, proposal)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  });
});

describe('a commit that only compares', () => {
  it('G16, G19: over several slots asks each of them once, and prepares nothing', async () => {
    const at = await world.write(process, [one, two], 'old');
    const checks = [check(one, at.get(one)!), check(two, at.get(two)!), check(three, 0)];
    expect(await world.commit(process, world.proposal(checks))).toEqual(new Map([...at, [three, 0]]));
    expect(steps()).toEqual(['commit', 'commit', 'commit']);
    await world.write(other, [two], 'newer');
    await expect(world.commit(process, world.proposal(checks))).rejects.toMatchObject({ details: { keys: [two] } });
  });

  it('G18: looks at locks of slots where nothing was read, too', async () => {
    const guard = await world.hold(process, two);
    const proposal = (): ReturnType<typeof world.proposal> => world.proposal([check(one, 0)], { guards: [guard] });
    expect(await world.commit(process, proposal())).toEqual(new Map([[one, 0]]));
    await other.store.inner.forceReleaseLock(two);
    await expect(world.commit(process, proposal())).rejects.toMatchObject({
      code: 'LOCK_LOST',
      details: { names: [two] },
    });
  });
});

describe('the locks of a commit over several slots', () => {
  it('G18, G27: one that is lost in a slot without keys stops it before the decision', async () => {
    const guard = await world.hold(process, three);
    await other.store.inner.forceReleaseLock(three);
    const proposal = world.proposal([put(one, 'new'), put(two, 'new')], { guards: [guard] });
    await expect(world.commit(process, proposal)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      details: { names: [three] },
    });
    expect(steps()).not.toContain('decide');
    expect(await world.values(other, [one, two])).toEqual([undefined, undefined]);
    await world.expectNothingLeft(other, [one, two]);
  });

  it.each([
    [7_000, 7_000],
    [100_000, 10_000],
  ])('G18, G27: outlast the last moment at which it can be decided, with %i ms left', async (leftMs, usedMs) => {
    const guard = await world.hold(process, three, 1_000);
    const proposal = world.proposal([put(one, 'new'), put(two, 'new')], { guards: [guard] });
    let leaseMs = 0;
    let decidableMs = 0;
    process.store.next('decide', async (run) => {
      leaseMs = (await other.store.inner.inspectLock(three))?.expiresInMs ?? 0;
      const [entry] = await other.store.inner.readEntries([one]);
      decidableMs = entry!.intent!.deadlineMs - Math.floor(world.clock.timeUs() / 1_000);
      return run();
    });
    await world.commit(process, { ...proposal, deadlineMs: world.clock.now() + leftMs });
    expect([decidableMs, leaseMs]).toEqual([usedMs, usedMs + PREPARING_AT_MOST_MS]);
  });

  it('G18: are looked at again before the decision, those of other stores with them', async () => {
    const lost = new LockLostError('taken', { details: { names: ['of another store'] } });
    const seen: StoreOperation[][] = [];
    const assertLocksHeld = (): void => {
      seen.push(steps());
      throw lost;
    };
    const operations = [put(one, 'new'), put(two, 'new'), check(three, 0)];
    await expect(world.commit(process, world.proposal(operations, { assertLocksHeld }))).rejects.toBe(lost);
    expect(seen).toEqual([['openTransaction', 'prepare', 'prepare', 'commit']]);
    expect(steps()).not.toContain('decide');
    await world.expectNothingLeft(other, [one, two]);
  });

  it.each([
    [PREPARING_AT_MOST_MS, 'committed'],
    [PREPARING_AT_MOST_MS + 1, 'STORE_UNAVAILABLE'],
  ])('G18, G27: when its slots took %i ms to prepare it ends: %s', async (delay, expected) => {
    process.store.next('prepare', { kind: 'delay-after', delay });
    const end = await world.commit(process, world.proposal([put(one, 'new'), put(two, 'new')])).then(
      () => 'committed',
      (error: unknown) => (error as { readonly code: string }).code,
    );
    expect(end).toBe(expected);
    expect(steps().includes('decide')).toBe(expected === 'committed');
    expect(await world.values(other, [one, two])).toEqual(
      expected === 'committed' ? ['new', 'new'] : [undefined, undefined],
    );
    await world.expectNothingLeft(other, [one, two]);
  });
});

describe('a commit that meets writes of others', () => {
  /** Commits in one slot, in two, and one that only read the key in the slot that decides, or in another one. */
  const shapes = (): Record<string, ReturnType<typeof world.proposal>> => ({
    'one slot': world.proposal([put(one, 'new', version(0))]),
    'two slots': world.proposal([put(one, 'new'), put(two, 'new')]),
    'a read elsewhere': world.proposal([check(one, 0), put(two, 'new'), put(three, 'new')]),
    'a read where it decides': world.proposal([
      check(one, 0),
      put(world.inSlot(process, 0, 'own'), 'new'),
      put(two, 'new'),
    ]),
  });
  const SHAPES = ['one slot', 'two slots', 'a read elsewhere', 'a read where it decides'];

  it.each(SHAPES)('G27: (%s) settles those that are decided in passing, and goes on', async (shape) => {
    await world.prepared(other, one, { leftMs: 1 });
    await world.clock.advanceAsync(1);
    await world.commit(process, shapes()[shape]!);
    expect([process.count('askDecision')]).toEqual([1]);
    const [entry] = await other.store.inner.readEntries([one]);
    expect(entry?.intent).toBeUndefined();
  });

  it.each(SHAPES)('G16: (%s) is a conflict when one may still be decided, and leaves it alone', async (shape) => {
    const { txnId } = await world.prepared(other, one);
    await expect(world.commit(process, shapes()[shape]!)).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { keys: [one] },
    });
    expect(process.count('askDecision')).toBe(1);
    const [entry] = await other.store.inner.readEntries([one]);
    expect(entry?.intent?.txnId).toBe(txnId);
  });

  it.each(SHAPES)(`(%s) settles at most ${MOST_IN_PASSING} of them, and then is a conflict`, async (shape) => {
    await world.prepared(other, one, { leftMs: 1 });
    await world.clock.advanceAsync(1);
    // As one decided write takes the place of the other.
    process.store.always('settle', async (run, { request }) =>
      (request as { readonly keys: readonly string[] }).keys.includes(one) ? undefined : run(),
    );
    await expect(world.commit(process, shapes()[shape]!)).rejects.toMatchObject({ details: { keys: [one] } });
    expect(process.count('askDecision')).toBe(MOST_IN_PASSING);
  });
});

describe('a commit over several slots whose question is lost', () => {
  it('G20, G21: is in doubt after its deadline, and what it has left is settled later', async () => {
    process.store.next('decide', async (run) => {
      await run();
      throw new StoreTimeoutError('no answer');
    });
    process.store.always('resolveCommit', 'refuse');
    const running = observe(process.committer.commit(world.proposal([put(one, 'new'), put(two, 'new')])));
    await world.clock.advanceAsync(9_700);
    expect(running.state).toBe('pending');
    await world.clock.advanceAsync(600);
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT' });
    expect(await world.values(other, [one, two])).toEqual(['new', 'new']);
    await world.clock.advanceAsync(LONG_MS);
    expect(await other.recovery.clearUp()).toBe(1);
    await world.expectNothingLeft(other, [one, two]);
  });
});
