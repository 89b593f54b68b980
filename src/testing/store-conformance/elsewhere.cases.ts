import assert from 'node:assert/strict';
import { DATABASE_DECIDES } from '../../store/intent.js';
import type { DecisionQuestion, OpenTransaction, PrepareRequest } from '../../store/intent-operations.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { bump, check, commit, committed, entryOf, put, remove, version, written } from './committer.js';
import { assertRefused, leased } from './filler.js';
import { inOneSlot } from './observations.js';
import { prepared, preparedVersions, preparing, settle, waitingAt } from './preparer.js';
import type { StoreConformanceCase } from './store-harness.js';

const BY_DATABASE = { decider: DATABASE_DECIDES } as const;
/** Far after every deadline of a case. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;
const PLENTY = 1_000;

/** Transactions that a database decides: what a slot knows of them, and how they are settled. */
export const elsewhereCases: readonly StoreConformanceCase[] = [
  {
    name: 'an intent says that a database decides, and by which key the slot remembers it',
    async run(harness) {
      const [one = '', two = ''] = inOneSlot(harness, 2);
      const { txnId } = await prepared(harness, [put(one, 'new'), put(two, 'new')], BY_DATABASE);
      for (const key of [one, two]) {
        const { anchor, decider, txnId: of } = await waitingAt(harness.second, key);
        assert.deepEqual({ anchor, decider, of }, { anchor: one, decider: DATABASE_DECIDES, of: txnId });
      }
    },
  },
  {
    name: 'an open transaction says that a database decides, and is closed as it was opened',
    async run(harness) {
      const { store, second, uniqueName } = harness;
      const keys = [uniqueName('entry'), uniqueName('entry')];
      const elsewhere: OpenTransaction = { txnId: uniqueName('txn'), keys, ...BY_DATABASE };
      const here: OpenTransaction = { txnId: uniqueName('txn'), keys };
      const listed = async () =>
        (await store.overdueTransactions(PLENTY)).filter(({ txnId }) =>
          [elsewhere, here].some((of) => of.txnId === txnId),
        );
      for (const each of [elsewhere, here]) {
        await store.openTransaction(each, BRIEF_MS);
        await harness.elapse(TICK_MS);
        assert.deepEqual(await listed(), [each]);
        await second.closeTransaction(each);
        assert.deepEqual(await listed(), []);
      }
    },
  },
  {
    name: 'the slot tells whether the deadline of its intent has passed, and decides nothing',
    async run(harness) {
      const [lasting = '', over = ''] = inOneSlot(harness, 2);
      const inTime = await prepared(harness, [put(lasting, 'new')], BY_DATABASE);
      const tooLate = await prepared(harness, [put(over, 'new')], { ...BY_DATABASE, leftMs: BRIEF_MS });
      await harness.elapse(TICK_MS);
      for (let call = 0; call < 2; call += 1) {
        const pending = await harness.second.askDecision(questionOf(inTime, 0));
        assert(pending.kind === 'pending' && pending.nowMs > 0);
        assert.deepEqual(await harness.second.askDecision(questionOf(tooLate, NEVER_MS)), { kind: 'overdue' });
      }
      // Nothing is presumed: its owner may still publish, and prepare again.
      assert.equal((await harness.store.prepare(tooLate)).kind, 'prepared');
      await settle(harness.store, tooLate, 'published');
      assert.equal((await entryOf(harness.store, over))?.value, 'new');
    },
  },
  {
    name: 'where the slot has no intent of a transaction that is decided elsewhere the deadline that was met counts',
    async run(harness) {
      const [free = '', taken = ''] = inOneSlot(harness, 2);
      await prepared(harness, [put(taken, 'of somebody else')]);
      for (const key of [free, taken]) {
        const gone = preparing(harness, [put(key, 'new')], BY_DATABASE);
        assert.equal((await harness.store.askDecision(questionOf(gone, NEVER_MS))).kind, 'pending');
        assert.deepEqual(await harness.second.askDecision(questionOf(gone, 1)), { kind: 'overdue' });
      }
    },
  },
  {
    name: 'a slot that has settled a transaction that is decided elsewhere says so, and refuses a late prepare',
    async run(harness) {
      for (const verdict of ['aborted', 'void', 'published'] as const) {
        const [key = ''] = inOneSlot(harness, 1);
        const request = await prepared(harness, [put(key, 'new')], BY_DATABASE);
        await settle(harness.second, request, verdict, { rememberMs: LONG_MS });
        const before = await entryOf(harness.store, key);
        const kind = verdict === 'published' ? 'committed' : 'aborted';
        assert.deepEqual(await harness.store.askDecision(questionOf(request, NEVER_MS)), { kind });
        assert.deepEqual(await harness.store.prepare(request), { kind: 'aborted' });
        assert.deepEqual(await entryOf(harness.store, key), before);
      }
    },
  },
  {
    name: 'a late comparison of a transaction that was made void is refused',
    async run(harness) {
      const [key = '', read = ''] = inOneSlot(harness, 2);
      const request = await prepared(harness, [put(key, 'new')], BY_DATABASE);
      await settle(harness.second, request, 'void', { rememberMs: LONG_MS });
      const comparing = { txnId: request.txnId, outcomeTtlMs: 0 };
      assert.deepEqual(await commit(harness, [check(read, version(0))], comparing), { kind: 'aborted' });
    },
  },
  {
    name: 'a published settlement makes puts, bumps and deletions visible with the versions that were prepared',
    async run(harness) {
      const [replaced = '', bumped = '', begun = '', deleted = ''] = inOneSlot(harness, 4);
      await committed(harness, [put(replaced, 'old'), put(bumped, 'kept'), put(deleted, 'old')]);
      const operations = [put(replaced, 'new'), bump(bumped), bump(begun), remove(deleted)];
      const request = preparing(harness, operations, BY_DATABASE);
      const versions = await preparedVersions(harness.store, request);
      await settle(harness.second, request, 'published', { versions });
      assert.deepEqual(await harness.store.readEntries([replaced, bumped, begun, deleted]), [
        { value: 'new', version: versions[0] },
        { value: 'kept', version: versions[1] },
        { value: undefined, version: versions[2] },
        undefined,
      ]);
    },
  },
  {
    name: 'a published settlement deletes the value of a key without its intent, however new that is, and ends its lease',
    async run(harness) {
      const [own = '', lost = '', filled = '', absent = ''] = inOneSlot(harness, 4);
      const keys = [own, lost, filled, absent];
      const request = await prepared(harness, [put(own, 'new')], BY_DATABASE);
      await committed(harness, [put(lost, 'newer'), bump(filled)]);
      for (const key of [filled, absent]) await leased(harness.store, key, 'ann');
      await harness.second.settle({ ...settlementOf(request), verdict: 'published', keys, versions: [1, 1, 1, 1] });
      const [found, ...others] = await harness.store.readEntries(keys);
      assert.deepEqual([found?.value, ...others], ['new', undefined, undefined, undefined]);
      for (const key of [filled, absent]) await assertRefused(harness.store, key, 'ann');
    },
  },
  {
    name: 'a void settlement deletes value, write and lease of every key it names',
    async run(harness) {
      const [own = '', bare = '', lost = '', absent = ''] = inOneSlot(harness, 4);
      const keys = [own, bare, lost, absent];
      await committed(harness, [put(own, 'old'), bump(bare), put(lost, 'newer')]);
      const request = await prepared(harness, [put(own, 'new'), put(bare, 'new')], BY_DATABASE);
      await leased(harness.store, absent, 'ann');
      for (let call = 0; call < 2; call += 1) {
        await harness.second.settle({ ...settlementOf(request), verdict: 'void', keys });
        assert.deepEqual(await harness.store.readEntries(keys), [undefined, undefined, undefined, undefined]);
        await assertRefused(harness.store, absent, 'ann');
      }
      const at = await written(harness, put(own, 'later', { expected: version(0), strategy: 'counter' }));
      assert.deepEqual(await entryOf(harness.store, own), { value: 'later', version: at });
    },
  },
  {
    name: 'a settlement leaves the write of somebody else, and takes the value beside it',
    async run(harness) {
      for (const verdict of ['published', 'void'] as const) {
        for (const [theirs, expected] of [
          ['committed', 'theirs'],
          ['aborted', undefined],
        ] as const) {
          const [key = ''] = inOneSlot(harness, 1);
          await written(harness, put(key, 'old', { ttlMs: LONG_MS }));
          const foreign = await prepared(harness, [put(key, 'theirs')], BY_DATABASE);
          const intent = { ...(await waitingAt(harness.store, key)), expiresAtMs: 0 };
          const lost = preparing(harness, [put(key, 'lost')], BY_DATABASE);
          await settle(harness.second, lost, verdict, { versions: [1] });
          const found = await entryOf(harness.store, key);
          assert(found?.intent !== undefined, 'the write of somebody else waits');
          assert.deepEqual(
            { ...found, intent: { ...found.intent, expiresAtMs: 0 } },
            { value: undefined, version: 0, intent },
          );
          await settle(harness.store, foreign, theirs);
          assert.equal((await entryOf(harness.store, key))?.value, expected);
        }
      }
    },
  },
  {
    name: 'a settlement names the keys that it takes: others of the same transaction wait on',
    async run(harness) {
      for (const verdict of ['published', 'void'] as const) {
        const [named = '', unnamed = ''] = inOneSlot(harness, 2);
        const request = await prepared(harness, [put(named, 'new'), put(unnamed, 'new')], BY_DATABASE);
        await settle(harness.second, request, verdict, { keys: [named] });
        assert.equal((await entryOf(harness.store, named))?.value, verdict === 'published' ? 'new' : undefined);
        assert.equal((await waitingAt(harness.store, unnamed)).txnId, request.txnId);
      }
    },
  },
];

/** What somebody asks the slot who met the intent there. */
function questionOf({ txnId, operations }: PrepareRequest, deadlineMs: number): DecisionQuestion {
  return { txnId, decider: operations[0]?.key ?? '', deadlineMs, isDecidedElsewhere: true };
}

function settlementOf({ txnId, operations }: PrepareRequest) {
  return { txnId, anchor: operations[0]?.key ?? '', rememberMs: 0 };
}
