import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReplicasBehindError } from '../../../src/base/errors.js';
import type { CustomFault, StoreOperation } from '../../../src/testing/faults/fault.js';
import { type CommitProcess, CommitWorld, put } from './commit-world.js';

let world: CommitWorld;
let owner: CommitProcess;
let other: CommitProcess;
let keys: readonly [string, string];

/** The operation was done, and its store could not have it acknowledged by every replica. */
const short: CustomFault = async (run) => {
  await run();
  throw new ReplicasBehindError('1 of 2 replicas acknowledged it');
};

const IN_DOUBT = {
  code: 'TXN_IN_DOUBT',
  message: expect.stringContaining('is visible, but not every replica'),
  details: { isVisible: true },
};

beforeEach(async () => {
  world = new CommitWorld();
  [owner, other] = [await world.process(), await world.process()];
  keys = [world.inSlot(owner, 0), world.inSlot(owner, 1)];
  await world.write(owner, keys, 'old');
});

function steps(): StoreOperation[] {
  return owner.store.journal.map(({ operation }) => operation);
}

function both(): ReturnType<CommitWorld['proposal']> {
  return world.proposal(keys.map((key) => put(key, 'new')));
}

describe('a commit that not every replica acknowledges', () => {
  it('G43: in one slot is in doubt at once: it is visible, and its outcome is known', async () => {
    owner.store.next('commit', short);
    await expect(world.commit(owner, world.proposal([put(keys[0], 'new')]))).rejects.toMatchObject(IN_DOUBT);
    expect(steps()).toEqual(['commit']);
    expect(await world.values(other, [keys[0]])).toEqual(['new']);
  });

  it('G20, G43: whose answer was lost is in doubt when the replicas are short as long as it may be asked for', async () => {
    owner.store.next('commit', 'drop-after');
    owner.store.always('resolveCommit', short);
    await expect(world.commit(owner, world.proposal([put(keys[0], 'new')]))).rejects.toMatchObject(IN_DOUBT);
  });

  it('G20, G43: whose answer was lost is committed when they have it at a later question', async () => {
    owner.store.next('commit', 'drop-after');
    owner.store.next('resolveCommit', short, short);
    await expect(world.commit(owner, world.proposal([put(keys[0], 'new')]))).resolves.toBeInstanceOf(Map);
  });

  it('G14, G43: over several slots fails when a prepare is short, and takes back what may be there', async () => {
    owner.store.next('prepare', short);
    const commit = world.commit(owner, both());
    await expect(commit).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: expect.any(ReplicasBehindError) });
    expect(steps()).not.toContain('decide');
    expect(await world.values(other, keys)).toEqual(['old', 'old']);
    await world.expectNothingLeft(other, keys);
    expect(await world.values(other, keys)).toEqual(['old', 'old']);
  });

  it('G14, G43: over several slots is in doubt when the decision is short, and the other slots wait for whoever clears up', async () => {
    owner.store.next('decide', short);
    await expect(world.commit(owner, both())).rejects.toMatchObject(IN_DOUBT);
    expect(steps().filter((step) => step === 'settle' || step === 'resolveCommit')).toEqual([]);
    // Whoever reads is told the same by the slot that decides.
    expect(await world.values(other, keys)).toEqual(['new', 'new']);
    await world.expectNothingLeft(other, keys);
    expect(await world.values(other, keys)).toEqual(['new', 'new']);
  });

  it('G43: over several slots keeps its decision until what it has settled is at the replicas', async () => {
    owner.store.next('settle', short);
    await world.commit(owner, both());
    expect(steps()).not.toContain('retireDecision');
    await world.expectNothingLeft(other, keys);
    expect(other.count('retireDecision')).toBe(1);
  });

  it('G43: tells a reader that meets a decided write nothing of replicas, and does not make it wait for them', async () => {
    owner.store.next('settle', 'drop-before');
    await world.commit(owner, both());
    await world.values(other, keys);
    const settles = other.store.journal.filter(({ operation }) => operation === 'settle');
    expect(settles.map(({ request }) => request)).toEqual([expect.objectContaining({ isInPassing: true })]);
  });
});
