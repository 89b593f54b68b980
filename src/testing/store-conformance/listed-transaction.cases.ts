import assert from 'node:assert/strict';
import type { ListedTransaction, OpenTransaction } from '../../store/intent-operations.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { put } from './committer.js';
import { decide, intentOf, prepared } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

const PLENTY = 1_000;

/** What somebody sees who only looks at the transactions that are on their way. */
export const listedTransactionCases: readonly StoreConformanceCase[] = [
  {
    name: 'a transaction is listed with its keys and how late it is, overdue or not, the latest first, until it is closed',
    async run(harness) {
      const { store, second } = harness;
      const [inTime, late] = [opening(harness, 2), opening(harness, 3)];
      await store.openTransaction(inTime, LONG_MS);
      await store.openTransaction(late, BRIEF_MS);
      await harness.elapse(TICK_MS);
      const found = await listed(harness, [inTime, late]);
      assert.deepEqual(
        found.map(({ txnId, keys }) => ({ txnId, keys })),
        [late, inTime],
      );
      assert((found[0]?.overdueMs ?? 0) > 0, 'it is overdue');
      const leftMs = -(found[1]?.overdueMs ?? 0);
      assert(leftMs > 0 && leftMs <= LONG_MS, `${leftMs} ms are left of ${LONG_MS}`);
      for (const each of [inTime, late]) await second.closeTransaction(each);
      assert.deepEqual(await listed(harness, [inTime, late]), []);
    },
  },
  {
    name: 'a listed transaction is pending until it is decided, and committed or aborted afterwards',
    async run(harness) {
      const { store } = harness;
      const committed = await prepared(harness, [put(harness.uniqueName('entry'), 'new')]);
      const aborted = await prepared(harness, [put(harness.uniqueName('entry'), 'new')], { leftMs: BRIEF_MS });
      const both = [committed, aborted].map(({ txnId, decider }) => ({ txnId, keys: [decider] }));
      for (const each of both) await store.openTransaction(each, LONG_MS);
      const decisions = async () =>
        new Map((await listed(harness, both)).map(({ txnId, decision }) => [txnId, decision]));
      await harness.elapse(TICK_MS);
      for (let look = 0; look < 2; look += 1) {
        // Its time is over, and whoever only looks decides nothing.
        assert.equal((await decisions()).get(aborted.txnId), 'pending');
      }
      assert.equal((await decisions()).get(committed.txnId), 'pending');
      assert.equal((await decide(store, committed)).kind, 'committed');
      assert.equal((await store.askDecision(intentOf(aborted))).kind, 'aborted');
      assert.deepEqual(
        await decisions(),
        new Map([
          [committed.txnId, 'committed'],
          [aborted.txnId, 'aborted'],
        ]),
      );
      for (const each of both) await store.closeTransaction(each);
    },
  },
  {
    name: 'a list of a few shows those that are overdue for longest',
    async run(harness) {
      const { store } = harness;
      const many = Array.from({ length: 40 }, () => opening(harness, 1));
      for (const each of many) await store.openTransaction(each, LONG_MS);
      const found = await store.listTransactions(1);
      assert(found.length > 0 && found.length < many.length, `${found.length} are a few`);
      for (const each of many) await store.closeTransaction(each);
    },
  },
];

function opening({ uniqueName }: StoreHarness, keys: number): OpenTransaction {
  return { txnId: uniqueName('txn'), keys: Array.from({ length: keys }, () => uniqueName('entry')) };
}

/** Those of the transactions that are listed; other cases may have left some. */
async function listed({ second }: StoreHarness, of: readonly OpenTransaction[]): Promise<readonly ListedTransaction[]> {
  const ids = new Set(of.map(({ txnId }) => txnId));
  return (await second.listTransactions(PLENTY)).filter(({ txnId }) => ids.has(txnId));
}
