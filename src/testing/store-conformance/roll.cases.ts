import assert from 'node:assert/strict';
import type { MemberOutcome, OpenRoll, RollHint, RollOutcome, VotesComplete } from '../../store/member-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { until } from '../until.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** Participants on other nodes: members, roll calls, votes, and how they are told of the outcome. */
export const rollCases: readonly StoreConformanceCase[] = [
  {
    name: 'a roll call asks the members of its name, and no other node',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      await enter(store, name, 'ann');
      await enter(second, name, 'bob');
      await enter(second, harness.uniqueName('other'), 'eve');
      for (let turn = 0; turn < 2; turn += 1) {
        assert.deepEqual(await call(store, name, txnId), { kind: 'called', members: 2 });
      }
      const [roll] = rollsOf(await look(second, name, 'bob'));
      assert.deepEqual(
        { ...roll, deadlineMs: 0, leftMs: 0 },
        { txnId, decider: 'key', deadlineMs: 0, leftMs: 0, outcome: undefined, answer: 'asked', payload: '"payload"' },
      );
      assert((roll?.leftMs ?? 0) > 0 && (roll?.leftMs ?? 0) <= LONG_MS);
    },
  },
  {
    name: 'a name without members has a roll all the same, which a node that comes then sees',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      assert.deepEqual(await call(store, name, txnId), { kind: 'called', members: 0 });
      const [roll] = rollsOf(await enter(second, name, 'ann'));
      assert.deepEqual([roll?.txnId, roll?.answer, roll?.payload], [txnId, undefined, undefined]);
      assert.equal(await conclude(store, name, txnId, 'committed'), 'committed');
      assert.deepEqual(rollsOf(await look(second, name, 'ann')), []);
    },
  },
  {
    name: 'while one transaction is on its way no other one calls the roll',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      await enter(store, name, 'ann');
      await call(store, name, txnId);
      const other = harness.uniqueName('txn');
      const busy = await call(second, name, other);
      assert.deepEqual(busy.kind === 'busy' && [busy.roll.txnId, busy.roll.decider], [txnId, 'key']);
      await conclude(store, name, txnId, 'aborted');
      assert.deepEqual(await call(second, name, other), { kind: 'called', members: 1 });
    },
  },
  {
    name: 'the voting is complete with the last vote, or with the first one against',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      const heard: VotesComplete[] = [];
      const unsubscribe = store.onVotesComplete((votes) => heard.push(votes));
      for (const node of ['ann', 'bob']) await enter(second, name, node);
      await call(store, name, txnId);
      for (let turn = 0; turn < 2; turn += 1) assert.equal(await vote(second, name, txnId, 'ann', 'ready'), 'noted');
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'waiting' });
      assert.equal(heard.length, 0);
      await vote(second, name, txnId, 'bob', 'ready');
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'ready' });
      await until(() => heard.length > 0, 'the hint of the last vote');
      assert.deepEqual(heard[0], { name, txnId, isReady: true });
      await conclude(store, name, txnId, 'aborted');

      const refused = harness.uniqueName('txn');
      await call(store, name, refused);
      await vote(second, name, refused, 'bob', 'veto');
      await vote(second, name, refused, 'bob', 'ready');
      assert.deepEqual(await store.readRoll(name, refused), { kind: 'vetoed', node: 'bob' });
      await until(() => heard.some((votes) => votes.txnId === refused), 'the hint of the vote against');
      assert.equal(heard.find((votes) => votes.txnId === refused)?.isReady, false);
      unsubscribe();
    },
  },
  {
    name: 'a node whose lease has ended is no member, and nobody waits for it',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      await enter(store, name, 'ann');
      await enter(second, name, 'bob');
      assert.deepEqual(await call(store, name, txnId), { kind: 'called', members: 2 });
      await enter(second, name, 'bob', BRIEF_MS);
      await vote(store, name, txnId, 'ann', 'ready');
      await harness.elapse(TICK_MS);
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'ready' });
      assert.deepEqual(await look(second, name, 'bob'), { kind: 'lost' });
      assert.equal(await vote(second, name, txnId, 'bob', 'ready'), 'over');
    },
  },
  {
    name: 'a node that leaves, or comes back as another one, is not waited for either',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      for (const node of ['ann', 'bob']) await enter(second, name, node);
      await call(store, name, txnId);
      const [seen] = rollsOf(await enter(second, name, 'bob again', LONG_MS, 'bob'));
      assert.equal(seen?.answer, undefined);
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'waiting' });
      for (let turn = 0; turn < 2; turn += 1) await second.leaveMembers(name, 'ann');
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'ready' });
    },
  },
  {
    name: 'the first outcome stays, every member hears of it, and the roll goes with the last one that has acted on it',
    async run(harness) {
      const { name, txnId, store, second } = scene(harness);
      const hints: RollHint[] = [];
      const unwatch = await second.watchRolls(name, (hint) => hints.push(hint));
      for (const node of ['ann', 'bob']) await enter(second, name, node);
      await call(store, name, txnId);
      for (const node of ['ann', 'bob']) await vote(second, name, txnId, node, 'ready');
      assert.equal(await conclude(store, name, txnId, 'committed'), 'committed');
      assert.equal(await conclude(second, name, txnId, 'aborted'), 'committed');
      assert.deepEqual(await store.readRoll(name, txnId), { kind: 'over' });
      await until(() => hints.length >= 2, 'the hints');
      assert.deepEqual(hints, [{ kind: 'look' }, { kind: 'committed', txnId }]);
      for (const node of ['ann', 'bob']) {
        assert.deepEqual(
          rollsOf(await look(second, name, node)).map(({ outcome }) => outcome),
          ['committed'],
        );
        await vote(second, name, txnId, node, 'done');
      }
      assert.deepEqual(rollsOf(await look(second, name, 'ann')), []);
      assert.equal(await conclude(second, name, txnId, 'aborted'), 'committed');
      unwatch();
    },
  },
  {
    name: 'a roll call that comes after the end of its transaction asks nobody',
    async run(harness) {
      const { name, txnId, store } = scene(harness);
      await enter(store, name, 'ann');
      assert.equal(await conclude(store, name, txnId, 'aborted'), 'aborted');
      assert.deepEqual(await call(store, name, txnId), { kind: 'over' });
      assert.deepEqual(rollsOf(await look(store, name, 'ann')), []);
    },
  },
  {
    name: 'a vote that comes after the outcome hears it',
    async run(harness) {
      const { name, txnId, store } = scene(harness);
      await enter(store, name, 'ann');
      await call(store, name, txnId);
      await conclude(store, name, txnId, 'aborted');
      assert.equal(await vote(store, name, txnId, 'ann', 'ready'), 'aborted');
    },
  },
];

function scene(harness: StoreHarness) {
  const { store, second } = harness;
  return { store, second, name: harness.uniqueName('name'), txnId: harness.uniqueName('txn') };
}

function enter(store: CacheTxnStore, name: string, node: string, leaseMs = LONG_MS, former?: string) {
  return store.lookAsMember({ name, node, leaseMs, isEntering: true, former });
}

function look(store: CacheTxnStore, name: string, node: string) {
  return store.lookAsMember({ name, node, leaseMs: LONG_MS, isEntering: false });
}

function call(store: CacheTxnStore, name: string, txnId: string) {
  return store.callRoll({ name, txnId, payload: '"payload"', decider: 'key', leftMs: LONG_MS });
}

async function vote(
  store: CacheTxnStore,
  name: string,
  txnId: string,
  node: string,
  answer: 'ready' | 'veto' | 'done',
): Promise<string> {
  return (await store.answerRoll({ name, txnId, node, answer })).kind;
}

function conclude(store: CacheTxnStore, name: string, txnId: string, outcome: RollOutcome) {
  return store.concludeRoll({ name, txnId, outcome, rememberMs: LONG_MS });
}

function rollsOf(outcome: MemberOutcome): readonly OpenRoll[] {
  assert(outcome.kind === 'member', 'the node is no member');
  return outcome.rolls;
}
