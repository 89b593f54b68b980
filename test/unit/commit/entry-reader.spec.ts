import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Intent } from '../../../src/store/intent.js';
import { addLateReplica } from '../../support/stores/late-replica.js';
import { type CommitProcess, CommitWorld, LONG_MS } from './commit-world.js';

/** As the reader promises: rounds on one key before it gives up. */
const MOST_ROUNDS = 16;

let world: CommitWorld;
let process: CommitProcess;
let other: CommitProcess;
let key: string;
let elsewhere: string;

beforeEach(async () => {
  world = new CommitWorld();
  [process, other] = [await world.process(), await world.process()];
  [key, elsewhere] = [world.inSlot(process, 0), world.inSlot(process, 1)];
});

/** Somebody has prepared a write of `key`, and one in the slot that decides. */
async function preparedTwice(leftMs = LONG_MS): Promise<{ readonly txnId: string; readonly decide: () => unknown }> {
  const deciding = await world.prepared(other, elsewhere, { leftMs });
  await world.prepared(other, key, { txnId: deciding.txnId, decider: elsewhere, leftMs });
  const { txnId, operations } = deciding;
  return { txnId, decide: () => other.store.inner.decide({ txnId, operations, checks: [] }) };
}

describe('a reader that meets the write of a transaction', () => {
  it('G14: that is undecided reads the value beside it, and leaves it waiting', async () => {
    const versions = await world.write(process, [key], 'old');
    const { txnId } = await preparedTwice();
    expect(await process.reader.read([key, elsewhere])).toEqual([
      { value: 'old', version: versions.get(key) },
      undefined,
    ]);
    const [entry] = await other.store.inner.readEntries([key]);
    expect(entry?.intent?.txnId).toBe(txnId);
    expect([process.count('askDecision'), process.count('settle')]).toEqual([2, 0]);
  });

  it('G14, G27: that is committed reads what it wrote, and settles it in passing', async () => {
    await world.write(process, [key], 'old');
    const { decide } = await preparedTwice();
    await decide();
    const [entry] = await process.reader.read([key]);
    expect(entry?.value).toBe('theirs');
    expect(await other.store.inner.readEntries([key])).toEqual([entry]);
    expect([process.count('readEntries'), process.count('askDecision'), process.count('settle')]).toEqual([2, 1, 1]);
  });

  it('G27: that is overdue gives it up for good, reads the old value, and its owner’s decision is refused', async () => {
    const versions = await world.write(process, [key], 'old');
    const { decide } = await preparedTwice();
    await world.clock.advanceAsync(LONG_MS);
    const old = { value: 'old', version: versions.get(key) };
    expect(await process.reader.read([key])).toEqual([old]);
    expect(await decide()).toEqual({ kind: 'aborted' });
    expect(await other.store.inner.readEntries([key])).toEqual([old]);
  });

  it('reads what has no prepared write as it is, and asks about nothing else', async () => {
    const free = world.inSlot(process, 2);
    await world.write(process, [free, key], 'old');
    await preparedTwice();
    expect(await world.values(process, [free, key, free])).toEqual(['old', 'old', 'old']);
    expect(process.count('askDecision')).toBe(1);
    process.store.forget();
    expect(await world.values(process, [free])).toEqual(['old']);
    expect(process.store.journal.map(({ operation }) => operation)).toEqual(['readEntries']);
  });

  it('G28: goes on to the write of the next transaction that took the place', async () => {
    await preparedTwice(1);
    await world.clock.advanceAsync(1);
    process.store.next('settle', async (run) => {
      await run();
      await world.prepared(other, key);
      return undefined;
    });
    expect(await world.values(process, [key])).toEqual([undefined]);
    expect([process.count('readEntries'), process.count('askDecision')]).toEqual([2, 2]);
  });

  it(`gives up on a key that has a new write in each of ${MOST_ROUNDS} rounds`, async () => {
    await world.write(process, [key], 'old');
    await preparedTwice(1);
    const [entry] = await other.store.inner.readEntries([key]);
    await world.clock.advanceAsync(1);
    process.store.always('readEntries', async () => [entry]);
    await expect(process.reader.read([key])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', details: { key } });
    expect(process.count('askDecision')).toBe(MOST_ROUNDS);
  });

  it.each(['askDecision', 'settle'] as const)('G40: fails when the store does not answer %s', async (operation) => {
    const { decide } = await preparedTwice();
    await decide();
    process.store.next(operation, 'drop-before');
    await expect(process.reader.read([key])).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await world.values(process, [key])).toEqual(['theirs']);
  });
});

describe('the value beside a write that waits', () => {
  /** The store answers this, as one does that cannot let the value expire by itself meanwhile. */
  async function beside(expiresAtMs: (intent: Intent) => number, version = 7): Promise<unknown> {
    await world.prepared(other, key);
    const [entry] = await other.store.inner.readEntries([key]);
    const intent = { ...entry!.intent!, expiresAtMs: expiresAtMs(entry!.intent!) };
    process.store.always('readEntries', async () => [{ value: 'old', version, intent }]);
    return (await process.reader.read([key]))[0];
  }

  const nowMs = ({ deadlineMs }: Intent): number => deadlineMs - LONG_MS;

  it.each([
    ['is never over', () => 0],
    ['is over later', (intent: Intent) => nowMs(intent) + 1],
  ])('is read while its time %s', async (_, expiresAtMs) => {
    expect(await beside(expiresAtMs)).toEqual({ value: 'old', version: 7 });
  });

  it('is a miss from the very millisecond at which its time is over', async () => {
    expect(await beside(nowMs)).toBeUndefined();
  });

  it('is a miss where there is none', async () => {
    expect(await beside(() => 0, 0)).toBeUndefined();
  });
});

describe('a reader of a replica that shows the write of a transaction', () => {
  it('S22: asks the primary for that key alone, where it may be settled already', async () => {
    const replica = addLateReplica(process.store.inner);
    const free = world.inSlot(process, 0, 'free');
    await world.write(process, [key, free], 'old');
    const { decide } = await preparedTwice();
    await replica.copy(key, free);
    await decide();
    await other.reader.read([key]);
    await world.write(other, [free], 'new');
    const entries = await process.reader.read([free, key, key], { from: 'replica' });
    expect(entries.map((entry) => entry?.value)).toEqual(['old', 'theirs', 'theirs']);
    expect(replica.asked).toEqual(['replica', 'primary']);
    expect([process.count('askDecision'), process.count('settle')]).toEqual([0, 0]);
  });

  it('asks nobody else where nothing is prepared', async () => {
    const replica = addLateReplica(process.store.inner);
    await world.write(process, [key], 'old');
    await replica.copy(key);
    expect((await process.reader.read([key], { from: 'replica' }))[0]?.value).toBe('old');
    expect(replica.asked).toEqual(['replica']);
  });
});
