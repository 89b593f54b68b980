import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { bump, committed, entryOf, put, remove, written } from './committer.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Reading entries, and how long they live. */
export const entryCases: readonly StoreConformanceCase[] = [
  {
    name: 'an absent entry reads as undefined',
    async run({ store, uniqueName }) {
      assert.deepEqual(await store.readEntries([uniqueName('absent')]), [undefined]);
    },
  },
  {
    name: 'reading nothing answers nothing',
    async run({ store }) {
      assert.deepEqual(await store.readEntries([]), []);
    },
  },
  {
    name: 'a committed entry reads with its value and version in every process',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const number = await written(harness, put(key, 'value'));
      assert(Number.isSafeInteger(number) && number > 0);
      for (const store of [harness.store, harness.second]) {
        assert.deepEqual(await entryOf(store, key), { value: 'value', version: number });
      }
    },
  },
  {
    name: 'many entries of many slots are read in the order of the request, absent and repeated keys included',
    async run(harness) {
      const keys = Array.from({ length: 40 }, () => harness.uniqueName('entry'));
      const versions = new Map<string, number>();
      for (const [index, key] of keys.entries()) {
        if (index % 4 !== 3) versions.set(key, await written(harness, put(key, `value ${index}`)));
      }
      const asked = [...keys, ...keys.slice(0, 3)].reverse();
      assert.deepEqual(
        await harness.store.readEntries(asked),
        asked.map((key) => {
          const number = versions.get(key);
          return number === undefined ? undefined : { value: `value ${keys.indexOf(key)}`, version: number };
        }),
      );
    },
  },
  {
    name: 'values read as they were written, whatever characters they have and however long they are',
    async run(harness) {
      const values = ['', ' ', '0', 'null', '\0\r\n', 'ü漢😀', '"{}%', 'x'.repeat(300_000)];
      for (const value of values) {
        const key = harness.uniqueName('entry');
        await written(harness, put(key, value));
        assert.equal((await entryOf(harness.store, key))?.value, value);
      }
    },
  },
  {
    name: 'keys are told apart by every character',
    async run(harness) {
      const prefix = harness.uniqueName('entry');
      const keys = ['', ':', ': ', ' :', '\n', 'Ü', 'ü', 'U\u0308', '*', '__proto__', '%3A'].map((end) => prefix + end);
      for (const key of keys) await written(harness, put(key, JSON.stringify(key)));
      const entries = await harness.store.readEntries(keys);
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        keys.map((key) => JSON.stringify(key)),
      );
    },
  },
  {
    name: 'an entry and a lock of the same name have nothing to do with each other',
    async run(harness) {
      const name = harness.uniqueName('both');
      await written(harness, put(name, 'value'));
      assert.equal(await harness.store.inspectLock(name), null);
      await harness.store.acquireLocks({
        names: [name],
        token: 'ann',
        leaseMs: LONG_MS,
        claimMs: LONG_MS,
        queueMs: 0,
        maxWaiters: 1,
      });
      assert.equal((await entryOf(harness.store, name))?.value, 'value');
    },
  },
  {
    name: 'an entry is gone after its TTL',
    async run(harness) {
      const [brief = '', long = '', endless = ''] = inOneSlot(harness, 3);
      await committed(harness, [
        put(brief, 'value', { ttlMs: BRIEF_MS }),
        put(long, 'value', { ttlMs: LONG_MS }),
        put(endless, 'value', { ttlMs: 0 }),
      ]);
      await harness.elapse(TICK_MS);
      const entries = await harness.store.readEntries([brief, long, endless]);
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        [undefined, 'value', 'value'],
      );
    },
  },
  {
    name: 'a put replaces the TTL as well: by a shorter one, by a longer one, and by none',
    async run(harness) {
      const [shorter = '', longer = '', endless = ''] = inOneSlot(harness, 3);
      const ttls = [LONG_MS, 10 * TICK_MS, 10 * TICK_MS];
      await committed(
        harness,
        [shorter, longer, endless].map((key, index) => put(key, 'old', { ttlMs: ttls[index] ?? 0 })),
      );
      await committed(harness, [
        put(shorter, 'new', { ttlMs: BRIEF_MS }),
        put(longer, 'new', { ttlMs: LONG_MS }),
        put(endless, 'new', { ttlMs: 0 }),
      ]);
      await harness.elapse(11 * TICK_MS);
      const entries = await harness.store.readEntries([shorter, longer, endless]);
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        [undefined, 'new', 'new'],
      );
    },
  },
  {
    name: 'a deleted entry reads as undefined, and deleting it again is no error',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await written(harness, put(key, 'value'));
      assert.equal(await written(harness, remove(key)), 0);
      assert.equal(await entryOf(harness.store, key), undefined);
      assert.equal(await written(harness, remove(key)), 0);
    },
  },
  {
    name: 'a bump keeps the value and gives a new version',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const before = await written(harness, put(key, 'value'));
      const after = await written(harness, bump(key, { ttlMs: BRIEF_MS }));
      assert(after > before);
      assert.deepEqual(await entryOf(harness.store, key), { value: 'value', version: after });
    },
  },
  {
    name: 'a bump keeps the TTL of an entry: it neither ends one that has none nor extends one',
    async run(harness) {
      const [endless = '', ending = ''] = inOneSlot(harness, 2);
      await written(harness, put(endless, 'value'));
      await written(harness, bump(endless, { ttlMs: BRIEF_MS }));
      await harness.elapse(TICK_MS);
      assert.equal((await entryOf(harness.store, endless))?.value, 'value');

      // On a slow machine the entry may have ended before it is bumped; then it shows nothing and a longer TTL is tried.
      for (const ttlMs of [10 * TICK_MS, 50 * TICK_MS, 200 * TICK_MS]) {
        await written(harness, put(ending, 'value', { ttlMs }));
        await written(harness, bump(ending, { ttlMs: LONG_MS }));
        if ((await entryOf(harness.store, ending))?.value === undefined) continue;
        await harness.elapse(ttlMs + TICK_MS);
        break;
      }
      assert.equal(await entryOf(harness.store, ending), undefined);
    },
  },
  {
    name: 'bumping an absent entry makes one that has a version and no value, for the TTL of the bump',
    async run(harness) {
      const [brief = '', long = '', endless = ''] = inOneSlot(harness, 3);
      const [, atLong, atEndless] = await committed(harness, [
        bump(brief, { ttlMs: BRIEF_MS }),
        bump(long, { ttlMs: LONG_MS }),
        bump(endless),
      ]);
      await harness.elapse(TICK_MS);
      assert.deepEqual(await harness.store.readEntries([brief, long, endless]), [
        undefined,
        { value: undefined, version: atLong },
        { value: undefined, version: atEndless },
      ]);
      const again = await written(harness, bump(long, { ttlMs: BRIEF_MS }));
      await harness.elapse(TICK_MS);
      assert.deepEqual(await entryOf(harness.store, long), { value: undefined, version: again });
    },
  },
];
