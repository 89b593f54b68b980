import assert from 'node:assert/strict';
import { type EntryChange, NO_VERSION } from '../../store/entry-changes.js';
import type { CacheTxnStore, Unsubscribe } from '../../store/store.js';
import { bump, check, commit, committed, put, remove, requestOf, version, written } from './committer.js';
import { fill, filledVersion, leased } from './filler.js';
import { eventually, inOneSlot } from './observations.js';
import { decide, prepared, preparedVersions, preparing, settle } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** What a store tells whoever keeps copies of entries. */
export const entryChangeCases: readonly StoreConformanceCase[] = [
  {
    name: 'every write of a commit is told with its new version, a deletion with none, in the writing process and in others',
    async run(harness) {
      const keys = inOneSlot(harness, 3);
      const [written = '', bumped = '', deleted = ''] = keys;
      const watches = [await watching(harness.store, keys), await watching(harness.second, keys)];
      const [one = 0, two = 0] = await committed(harness, [put(written, 'value'), bump(bumped), remove(deleted)]);
      for (const watch of watches) {
        await watch.expectNext([
          { key: written, version: one },
          { key: bumped, version: two },
          { key: deleted, version: NO_VERSION },
        ]);
      }
      await watches[1]?.expectNext([{ key: written, version: await overwritten(harness, written) }]);
    },
  },
  {
    name: 'keys of any characters are told as they are',
    async run(harness) {
      const tag = harness.uniqueName('slot');
      for (const end of ['plain', ':e:', '"\\/\n\0\u007f', 'ü漢😀', '%25[,]']) {
        const key = `{${tag}}${end}`;
        const watch = await watching(harness.second, [key]);
        await watch.expectNext([{ key, version: await written(harness, put(key, 'value')) }]);
      }
    },
  },
  {
    name: 'a check, a refused commit and one that comes twice tell nothing',
    async run(harness) {
      const [key = '', other = '', mark = ''] = inOneSlot(harness, 3);
      const watch = await watching(harness.second, [key, other, mark]);
      const first = requestOf(harness, [put(key, 'value')]);
      const outcome = await harness.store.commit(first);
      assert(outcome.kind === 'committed');
      const expected = version(outcome.versions[0] ?? 0);
      await watch.pass(1);
      await committed(harness, [check(key, expected)]);
      assert.equal((await commit(harness, [put(key, 'new'), put(other, 'new', { expected })])).kind, 'conflict');
      const lost = { guards: [{ name: key, token: 'nobody' }] };
      assert.equal((await commit(harness, [put(key, 'new')], lost)).kind, 'lock-lost');
      assert.deepEqual(await harness.store.commit(first), outcome);
      await watch.expectNext([{ key: mark, version: await written(harness, put(mark, 'mark')) }]);
    },
  },
  {
    name: 'what is filled is told; a lease, one that ends and a refused fill are not',
    async run(harness) {
      const [key = '', other = ''] = inOneSlot(harness, 2);
      const watch = await watching(harness.second, [key, other]);
      await leased(harness.store, other, 'ann');
      await fill(harness.store, other, 'ann', { value: undefined });
      assert.deepEqual(await fill(harness.store, other, 'ann'), { kind: 'refused' });
      await leased(harness.store, key, 'ann');
      await watch.expectNext([{ key, version: await filledVersion(harness.store, key, 'ann') }]);
    },
  },
  {
    name: 'a prepared write is told with the version that it will have, before anybody can decide it, and once',
    async run(harness) {
      const keys = inOneSlot(harness, 4);
      const [replaced = '', bumped = '', deleted = '', mark = ''] = keys;
      const watch = await watching(harness.second, keys);
      const request = preparing(harness, [put(replaced, 'new'), bump(bumped), remove(deleted)]);
      const [one = 0, two = 0] = await preparedVersions(harness.store, request);
      await watch.expectNext([
        { key: replaced, version: one },
        { key: bumped, version: two },
        { key: deleted, version: NO_VERSION },
      ]);
      await preparedVersions(harness.store, request);
      await watch.expectNext([{ key: mark, version: await written(harness, put(mark, 'mark')) }]);
    },
  },
  {
    name: 'a refused prepare tells nothing',
    async run(harness) {
      const [key = '', taken = '', mark = ''] = inOneSlot(harness, 3);
      const watch = await watching(harness.second, [key, taken, mark]);
      await prepared(harness, [put(taken, 'first')]);
      await watch.pass(1);
      const late = preparing(harness, [put(key, 'late')]);
      await settle(harness.store, late, 'aborted', { rememberMs: 60_000 });
      assert.equal((await harness.store.prepare(late)).kind, 'aborted');
      const met = preparing(harness, [put(key, 'new'), put(taken, 'second')]);
      assert.equal((await harness.store.prepare(met)).kind, 'intent');
      await watch.expectNext([{ key: mark, version: await written(harness, put(mark, 'mark')) }]);
    },
  },
  {
    name: 'a transaction over two slots has told of all its writes when its decision is answered',
    async run(harness) {
      const [one, two] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      const watch = await watching(harness.second, [one, two]);
      const first = preparing(harness, [put(one, 'value')]);
      const second = preparing(harness, [put(two, 'value')], { txnId: first.txnId, decider: one });
      const [ofOne = 0] = await preparedVersions(harness.store, first);
      const [ofTwo = 0] = await preparedVersions(harness.store, second);
      assert.equal((await decide(harness.store, first)).kind, 'committed');
      await watch.expectAll([
        { key: one, version: ofOne },
        { key: two, version: ofTwo },
      ]);
      await settle(harness.store, second, 'committed', { versions: [ofTwo] });
    },
  },
  {
    name: 'a value that a settlement drops is told, because nobody can vouch for it',
    async run(harness) {
      for (const verdict of ['published', 'void'] as const) {
        const [present = '', absent = '', taken = ''] = inOneSlot(harness, 3);
        const keys = [present, absent, taken];
        // Before the writes: what is told of them may come late.
        const watch = await watching(harness.second, keys);
        await committed(harness, [put(present, 'old'), put(taken, 'old')]);
        await prepared(harness, [put(taken, 'theirs')]);
        await watch.pass(3);
        const lost = preparing(
          harness,
          keys.map((key) => put(key, 'lost')),
        );
        await settle(harness.store, lost, verdict, { versions: [1, 1, 1] });
        await watch.expectNext(keys.map((key) => ({ key, version: NO_VERSION })));
      }
    },
  },
  {
    name: 'an entry that is older than what was committed is told when it is dropped; one that is settled already is not',
    async run(harness) {
      const [older = '', settled = ''] = inOneSlot(harness, 2);
      const watch = await watching(harness.second, [older, settled]);
      await committed(harness, [put(older, 'old')]);
      const kept = await written(harness, put(settled, 'new'));
      await watch.pass(2);
      const request = preparing(harness, [put(settled, 'new'), put(older, 'lost')]);
      await settle(harness.store, request, 'committed', { versions: [kept, Number.MAX_SAFE_INTEGER - 1] });
      await watch.expectNext([{ key: older, version: NO_VERSION }]);
    },
  },
  {
    name: 'who has ended its subscription hears nothing, others do, and it may subscribe again',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const [ended, twice, other] = [
        await watching(harness.store, [key]),
        await watching(harness.store, [key]),
        await watching(harness.store, [key]),
      ];
      for (let call = 0; call < 2; call += 1) ended.end();
      await other.expectNext([{ key, version: await written(harness, put(key, 'first')) }]);
      assert.equal(twice.heard, 1);
      const last = await watching(harness.store, [key]);
      for (const watch of [twice, other]) watch.end();
      await last.expectNext([{ key, version: await written(harness, put(key, 'unheard')) }]);
      const again = await watching(harness.store, [key]);
      await again.expectNext([{ key, version: await overwritten(harness, key) }]);
      assert.deepEqual([ended.heard, twice.heard, other.heard], [0, 1, 1]);
    },
  },
];

interface Watching {
  /** How many changes it has heard so far. */
  readonly heard: number;
  /** Waits for these changes, in this order, with nothing else before them or between. */
  expectNext(changes: readonly EntryChange[]): Promise<void>;
  /** Waits for so many changes, whatever they are. */
  pass(count: number): Promise<void>;
  /** Waits for these changes in any order. */
  expectAll(changes: readonly EntryChange[]): Promise<void>;
  readonly end: Unsubscribe;
}

/** Watches the entries of these keys, which nobody but the case writes. */
async function watching(store: CacheTxnStore, keys: readonly string[]): Promise<Watching> {
  const heard: EntryChange[] = [];
  let seen = 0;
  const unheardOf = (what: string) => (): void => assert.fail(`${what} while nothing was lost`);
  const end = await store.watchEntries({
    changed: (change) => {
      if (keys.includes(change.key)) heard.push(change);
    },
    gap: unheardOf('gap'),
    down: unheardOf('down'),
  });
  const next = async (count: number): Promise<readonly EntryChange[]> => {
    await eventually(() => heard.length >= seen + count, `${count} changes are told`);
    const changes = heard.slice(seen, seen + count);
    seen += count;
    return changes;
  };
  return {
    get heard() {
      return heard.length;
    },
    async expectNext(changes) {
      assert.deepEqual(await next(changes.length), changes);
    },
    async pass(count) {
      await next(count);
    },
    async expectAll(changes) {
      const byKey = (one: EntryChange, other: EntryChange): number => (one.key < other.key ? -1 : 1);
      assert.deepEqual([...(await next(changes.length))].sort(byKey), [...changes].sort(byKey));
    },
    end,
  };
}

/** Writes the key in the other process and answers its version. */
function overwritten(harness: StoreHarness, key: string): Promise<number> {
  return written({ ...harness, store: harness.second }, put(key, 'again'));
}
