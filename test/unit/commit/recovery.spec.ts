import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreReplyError, StoreUnavailableError } from '../../../src/base/errors.js';
import { type CommitProcess, CommitWorld, LONG_MS, put } from './commit-world.js';

let world: CommitWorld;
let process: CommitProcess;
let one: string;
let two: string;

beforeEach(async () => {
  world = new CommitWorld();
  process = await world.process();
  [one, two] = [world.inSlot(process, 0), world.inSlot(process, 1)];
});

/** A transaction of an owner that died after it had prepared both slots. */
async function abandoned(keys: readonly [string, string] = [one, two], leftMs = LONG_MS) {
  const decider = keys[0];
  const { txnId, operations } = await world.prepared(process, decider, { leftMs });
  await world.prepared(process, keys[1], { txnId, decider, leftMs });
  await process.store.inner.openTransaction({ txnId, keys }, leftMs);
  return { txnId, decide: () => process.store.inner.decide({ txnId, operations, checks: [] }) };
}

describe('a recovery', () => {
  it('G27: settles what its owner has decided, and lets the decision expire', async () => {
    const { txnId, decide } = await abandoned();
    await decide();
    await world.clock.advanceAsync(LONG_MS);
    expect(await process.recovery.clearUp()).toBe(1);
    const entries = await process.store.inner.readEntries([one, two]);
    expect(entries.map((entry) => [entry?.value, entry?.intent])).toEqual([
      ['theirs', undefined],
      ['theirs', undefined],
    ]);
    const ask = () => process.store.inner.askDecision({ txnId, decider: one, deadlineMs: 0 });
    expect(await ask()).toEqual({ kind: 'committed' });
    await world.clock.advanceAsync(LONG_MS);
    expect(await ask()).toEqual({ kind: 'aborted' });
  });

  it('G27: takes back what nobody has decided, for good, and refuses a prepare that comes within the hour', async () => {
    const { txnId, decide } = await abandoned();
    await world.clock.advanceAsync(LONG_MS);
    expect(await process.recovery.clearUp()).toBe(1);
    expect(await process.store.inner.readEntries([one, two])).toEqual([undefined, undefined]);
    await world.clock.advanceAsync(59 * LONG_MS);
    expect(await decide()).toEqual({ kind: 'aborted' });
    const late = { txnId, decider: one, guards: [], leftMs: LONG_MS, guardMs: 0 };
    for (const key of [one, two]) {
      const prepare = process.store.inner.prepare({ ...late, operations: [put(key, 'late')] });
      expect(await prepare).toEqual({ kind: 'aborted' });
    }
  });

  it('G27: leaves alone what is not overdue, and asks nothing of it', async () => {
    await abandoned();
    await world.clock.advanceAsync(LONG_MS - 1);
    expect(await process.recovery.clearUp()).toBe(0);
    expect(process.store.journal.map(({ operation }) => operation)).toEqual(['overdueTransactions']);
  });

  it('G27: leaves alone what the list calls overdue and the deciding slot does not: servers’ clocks may differ', async () => {
    const { txnId, decide } = await abandoned();
    await process.store.inner.openTransaction({ txnId, keys: [one, two] }, 1);
    await world.clock.advanceAsync(1);
    expect(await process.recovery.clearUp()).toBe(0);
    expect(await decide()).toMatchObject({ kind: 'committed' });
  });

  it('G27: of a slot that does not answer stays for the next time, and the others are cleared up', async () => {
    const others = [world.inSlot(process, 0, 'other'), world.inSlot(process, 1, 'other')] as const;
    await abandoned();
    await abandoned(others);
    await world.clock.advanceAsync(LONG_MS);
    process.store.always('settle', async (run, { request }) => {
      if ((request as { readonly keys: readonly string[] }).keys.includes(two)) throw new StoreUnavailableError('away');
      return run();
    });
    expect(await process.recovery.clearUp()).toBe(1);
    expect(await process.recovery.clearUp()).toBe(0);
    // It waits a second, so that it is in nobody's way.
    expect(await process.store.inner.overdueTransactions(10)).toEqual([]);
    process.store.clear();
    await world.clock.advanceAsync(1_000);
    expect(await process.recovery.clearUp()).toBe(1);
    await world.expectNothingLeft(process, [one, two, ...others]);
  });

  it('G27: is not held up by any number of transactions that cannot be settled', async () => {
    for (let i = 0; i < 100; i += 1)
      await abandoned([world.inSlot(process, 0, `stuck${i}-`), world.inSlot(process, 1, `stuck${i}-`)]);
    process.store.always('settle', async (run, { request }) => {
      if ((request as { readonly keys: readonly string[] }).keys.some((key) => key.includes('stuck')))
        throw new StoreUnavailableError('away');
      return run();
    });
    await abandoned();
    await world.clock.advanceAsync(LONG_MS);
    let closed = 0;
    for (let sweep = 0; sweep < 3; sweep += 1) closed += await process.recovery.clearUp();
    expect(closed).toBe(1);
  });

  it('G27: tells once of a transaction that it cannot settle for another reason, and goes on with the others', async () => {
    const others = [world.inSlot(process, 0, 'other'), world.inSlot(process, 1, 'other')] as const;
    await abandoned();
    await abandoned(others);
    await world.clock.advanceAsync(LONG_MS);
    process.store.always('settle', async (run, { request }) => {
      if ((request as { readonly keys: readonly string[] }).keys.includes(two)) throw new StoreReplyError('foreign');
      return run();
    });
    expect(await process.recovery.clearUp()).toBe(1);
    await world.clock.advanceAsync(1_000);
    expect(await process.recovery.clearUp()).toBe(0);
    expect(process.reported.map(({ code }) => code)).toEqual(['STORE_REPLY']);
  });

  it('G27: of two that clear up at the same time both see it through', async () => {
    const second = await world.process();
    const { decide } = await abandoned();
    await decide();
    await world.clock.advanceAsync(LONG_MS);
    await Promise.all([process.recovery.clearUp(), second.recovery.clearUp()]);
    expect(await world.values(second, [one, two])).toEqual(['theirs', 'theirs']);
    await world.expectNothingLeft(second, [one, two]);
  });

  it('G40: fails when the store cannot say what is overdue', async () => {
    process.store.next('overdueTransactions', 'refuse');
    await expect(process.recovery.clearUp()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
