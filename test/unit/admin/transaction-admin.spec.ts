import { beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { TransactionAdmin } from '../../../src/admin/transaction-admin.js';
import { type CommitProcess, CommitWorld, LONG_MS } from '../commit/commit-world.js';

const HALF_MS = LONG_MS / 2;

let world: CommitWorld;
let process: CommitProcess;
let admin: TransactionAdmin;
let one: string;
let two: string;

beforeEach(async () => {
  world = new CommitWorld();
  process = await world.process();
  admin = new TransactionAdmin(process.store, process.recovery);
  [one, two] = [world.inSlot(process, 0), world.inSlot(process, 1)];
});

/** A transaction of an owner that died after it had prepared both slots. */
async function abandoned(keys: readonly [string, string] = [one, two]) {
  const [decider, other] = keys;
  const { txnId: id, operations } = await world.prepared(process, decider);
  await world.prepared(process, other, { txnId: id, decider });
  await process.store.inner.openTransaction({ txnId: id, keys }, LONG_MS);
  return { id, decide: () => process.store.inner.decide({ txnId: id, operations, checks: [] }) };
}

const intents = async () =>
  (await process.store.inner.readEntries([one, two])).filter((entry) => entry?.intent !== undefined).length;

describe('TransactionAdmin.inDoubt', () => {
  it('G27: tells id, keys, how late and what is decided, those overdue for longest first, and changes nothing', async () => {
    const first = await abandoned();
    await world.clock.advanceAsync(HALF_MS);
    const keys = [world.inSlot(process, 0, 'other'), world.inSlot(process, 1, 'other')] as const;
    const second = await abandoned(keys);
    await second.decide();
    await world.clock.advanceAsync(LONG_MS);
    for (let look = 0; look < 2; look += 1) {
      expect(await admin.inDoubt()).toEqual([
        { id: first.id, keys: [one, two], overdueMs: HALF_MS, decision: 'pending' },
        { id: second.id, keys, overdueMs: 0, decision: 'committed' },
      ]);
    }
    expect(await intents()).toBe(2);
  });

  it('G40: fails when the store cannot say', async () => {
    process.store.next('listTransactions', 'refuse');
    await expect(admin.inDoubt()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('G42: shows nothing of the store behind it', () => {
    expect([inspect({ admin }), JSON.stringify({ admin })]).toEqual(['{ admin: TransactionAdmin {} }', '{"admin":{}}']);
  });
});

describe('TransactionAdmin.resolve', () => {
  it('G27: makes visible what its owner has decided, overdue or not', async () => {
    for (const waitMs of [0, LONG_MS]) {
      const { id, decide } = await abandoned();
      await decide();
      await world.clock.advanceAsync(waitMs);
      expect(await admin.resolve(id)).toBe('committed');
      expect(await world.values(process, [one, two])).toEqual(['theirs', 'theirs']);
      expect(await admin.inDoubt()).toEqual([]);
    }
  });

  it('G27: takes back what nobody has decided in time, for good', async () => {
    const { id, decide } = await abandoned();
    await world.clock.advanceAsync(LONG_MS);
    expect(await admin.resolve(id)).toBe('aborted');
    expect(await process.store.inner.readEntries([one, two])).toEqual([undefined, undefined]);
    expect(await decide()).toEqual({ kind: 'aborted' });
    expect(await admin.inDoubt()).toEqual([]);
  });

  it('G27: refuses while the owner may still decide, and leaves it that right', async () => {
    const { id, decide } = await abandoned();
    await world.clock.advanceAsync(LONG_MS - 1);
    expect(await admin.resolve(id)).toBe('pending');
    expect(await intents()).toBe(2);
    expect(await decide()).toMatchObject({ kind: 'committed' });
  });

  it('G27: presumes nothing of a transaction whose prepare may still be on its way', async () => {
    await process.store.inner.openTransaction({ txnId: 'early', keys: [one, two] }, LONG_MS);
    expect(await admin.resolve('early')).toBe('pending');
    const { operations } = await world.prepared(process, one, { txnId: 'early' });
    expect(await process.store.inner.decide({ txnId: 'early', operations, checks: [] })).toMatchObject({
      kind: 'committed',
    });
  });

  it('G27: knows no transaction that is over, nor one that never was', async () => {
    const { id } = await abandoned();
    await world.clock.advanceAsync(LONG_MS);
    await process.recovery.clearUp();
    expect([await admin.resolve(id), await admin.resolve('never')]).toEqual(['unknown', 'unknown']);
  });

  it('G40: fails when a slot does not answer, and the next call goes on', async () => {
    const { id, decide } = await abandoned();
    await decide();
    process.store.next('settle', 'refuse');
    await expect(admin.resolve(id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(process.reported).toEqual([]);
    expect(await admin.resolve(id)).toBe('committed');
    process.store.next('askDecision', 'drop-before');
    const { id: next } = await abandoned();
    await expect(admin.resolve(next)).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
  });
});
