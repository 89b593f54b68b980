import assert from 'node:assert/strict';
import type { OpenTransaction } from '../../store/intent-operations.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** More than one case leaves overdue, and less than would make it slow. */
const MANY = 40;
const FEW = 4;
const PLENTY = 1_000;

/** The slots of a store, and the list of transactions over several of them that are on their way. */
export const openTransactionCases: readonly StoreConformanceCase[] = [
  {
    name: 'what shares a hash tag shares a slot, and other slots exist only where the store says so',
    async run(harness) {
      const { store, second } = harness;
      const tagged = inOneSlot(harness, 10);
      const slots = tagged.flatMap((key) => [store.slotOf('entry', key), second.slotOf('lock', key)]);
      assert.equal(new Set(slots).size, 1);
      const names = Array.from({ length: 200 }, () => harness.uniqueName('any'));
      const used = new Set(names.flatMap((name) => [store.slotOf('entry', name), store.slotOf('lock', name)]));
      assert.equal(used.size > 1, store.hasSlots);
      assert.equal(second.hasSlots, store.hasSlots);
    },
  },
  {
    name: 'a transaction is overdue once its time is over, with its keys in order, until it is closed',
    async run(harness) {
      const { store, second } = harness;
      const [late, inTime] = [opening(harness, 3), opening(harness, 1)];
      await store.openTransaction(late, BRIEF_MS);
      await store.openTransaction(inTime, LONG_MS);
      await harness.elapse(TICK_MS);
      for (const each of [store, second]) assert.deepEqual(await overdue(harness, [late, inTime], each), [late]);
      for (let call = 0; call < 2; call += 1) {
        await second.closeTransaction(late);
        assert.deepEqual(await overdue(harness, [late, inTime]), []);
      }
      await store.closeTransaction(inTime);
    },
  },
  {
    name: 'a transaction that is opened again is listed once, and overdue after the time that was given last',
    async run(harness) {
      const { store } = harness;
      const [sooner, later] = [opening(harness, 2), opening(harness, 2)];
      await store.openTransaction(sooner, LONG_MS);
      await store.openTransaction(later, BRIEF_MS);
      await store.openTransaction(sooner, BRIEF_MS);
      await store.openTransaction(later, LONG_MS);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await overdue(harness, [sooner, later]), [sooner]);
      for (const each of [sooner, later]) await store.closeTransaction(each);
    },
  },
  {
    name: 'a transaction that was closed before it was overdue never is',
    async run(harness) {
      const closed = opening(harness, 1);
      await harness.store.openTransaction(closed, BRIEF_MS);
      await harness.second.closeTransaction(closed);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await overdue(harness, [closed]), []);
    },
  },
  {
    name: 'whoever closes what is overdue gets to all of it, a few at a time',
    async run(harness) {
      const { store } = harness;
      const all = Array.from({ length: MANY }, () => opening(harness, 2));
      for (const each of all) await store.openTransaction(each, BRIEF_MS);
      await harness.elapse(TICK_MS);
      const left = new Set(all.map(({ txnId }) => txnId));
      for (let turn = 0; left.size > 0; turn += 1) {
        assert(turn < 2 * MANY, `${left.size} transactions are never listed`);
        const found = await store.overdueTransactions(FEW);
        assert(found.length < MANY, `${found.length} are a few`);
        for (const each of found) {
          left.delete(each.txnId);
          await store.closeTransaction(each);
        }
      }
    },
  },
  {
    name: 'keys of any characters are listed as they are',
    async run(harness) {
      const prefix = harness.uniqueName('entry');
      const keys = ['', ' ', '\n\0', '","', '{ü漢😀}', '\\'].map((end) => prefix + end);
      const transaction = { txnId: harness.uniqueName('txn'), keys };
      await harness.store.openTransaction(transaction, BRIEF_MS);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await overdue(harness, [transaction]), [transaction]);
      await harness.store.closeTransaction(transaction);
    },
  },
];

function opening({ uniqueName }: StoreHarness, keys: number): OpenTransaction {
  return { txnId: uniqueName('txn'), keys: Array.from({ length: keys }, () => uniqueName('entry')) };
}

/** Those of the transactions that are overdue; other cases may have left some. */
async function overdue(
  { store }: StoreHarness,
  of: readonly OpenTransaction[],
  asked = store,
): Promise<readonly OpenTransaction[]> {
  const ids = new Set(of.map(({ txnId }) => txnId));
  return (await asked.overdueTransactions(PLENTY)).filter(({ txnId }) => ids.has(txnId));
}
