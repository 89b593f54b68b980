import assert from 'node:assert/strict';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import { bump, entryOf, put, remove, written } from './committer.js';
import { assertRefused, fill, filledVersion, lease, leased } from './filler.js';
import { assertWholeLease } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Long enough for a lease to come before its end, short enough to wait for. */
const SOON_MS = 100;

/** One loader of a missing value, others who leave the load to it, and what it publishes. */
export const fillCases: readonly StoreConformanceCase[] = [
  {
    name: 'who asks for a value that is there gets it with its version, and no leave to fill it',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const version = await written(harness, put(key, 'value'));
      for (const store of [harness.store, harness.second]) {
        assert.deepEqual(await lease(store, key, 'ann'), { kind: 'hit', value: 'value', version });
      }
      await assertRefused(harness.store, key, 'ann');
      assert.deepEqual(await entryOf(harness.store, key), { value: 'value', version });
    },
  },
  {
    name: 'who asks for a value that is missing may fill it, and everybody has it then',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await leased(harness.store, key, 'ann');
      const version = await filledVersion(harness.second, key, 'ann', { value: 'loaded' });
      assert(version > 0);
      assert.deepEqual(await entryOf(harness.store, key), { value: 'loaded', version });
      assert.deepEqual(await lease(harness.second, key, 'bob'), { kind: 'hit', value: 'loaded', version });
    },
  },
  {
    name: 'a fill that comes twice is applied once',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await leased(harness.store, key, 'ann');
      const version = await filledVersion(harness.store, key, 'ann', { value: 'loaded' });
      await assertRefused(harness.second, key, 'ann');
      assert.deepEqual(await entryOf(harness.store, key), { value: 'loaded', version });
    },
  },
  {
    name: 'who has nothing to fill ends its lease: somebody else may fill at once, and nothing else has changed',
    async run(harness) {
      const [absent, bare] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      const version = await written(harness, bump(bare));
      for (const key of [absent, bare]) {
        await leased(harness.store, key, 'ann');
        assert.deepEqual(await fill(harness.second, key, 'bob', { value: undefined }), { kind: 'refused' });
        assert.deepEqual(await fill(harness.second, key, 'ann', { value: undefined }), { kind: 'ended' });
        assert.deepEqual(await fill(harness.second, key, 'ann', { value: undefined }), { kind: 'refused' });
      }
      assert.deepEqual(await harness.store.readEntries([absent, bare]), [undefined, { value: undefined, version }]);
      for (const key of [absent, bare]) {
        await assertRefused(harness.store, key, 'ann');
        await leased(harness.second, key, 'bob');
        await filledVersion(harness.store, key, 'bob');
      }
    },
  },
  {
    name: 'while one loads others are told who it is and for how long, and cannot fill',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await leased(harness.store, key, 'ann');
      const outcome = await lease(harness.second, key, 'bob', BRIEF_MS);
      assert(outcome.kind === 'busy', `it is busy, not ${outcome.kind}`);
      assertWholeLease(outcome.remainingMs);
      assert.equal(outcome.token, 'ann');
      await assertRefused(harness.second, key, 'bob');
      await filledVersion(harness.store, key, 'ann');
    },
  },
  {
    name: 'the same token asks again, and its lease is counted from then',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await leased(harness.store, key, 'ann', BRIEF_MS);
      await leased(harness.second, key, 'ann', 2 * LONG_MS);
      await harness.elapse(TICK_MS);
      const outcome = await lease(harness.second, key, 'bob');
      assert(outcome.kind === 'busy', `it is busy, not ${outcome.kind}`);
      assertWholeLease(outcome.remainingMs, 2 * LONG_MS);
      await filledVersion(harness.store, key, 'ann');
    },
  },
  {
    name: 'a lease that is over is given to somebody else, and what the first one loads is refused',
    async run(harness) {
      const { store, second, uniqueName } = harness;
      const [absent, bare] = [uniqueName('entry'), uniqueName('entry')];
      await written(harness, bump(bare));
      for (const key of [absent, bare]) await leased(store, key, 'ann', BRIEF_MS);
      await harness.elapse(TICK_MS);
      for (const key of [absent, bare]) {
        await leased(second, key, 'bob');
        await assertRefused(store, key, 'ann');
        const version = await filledVersion(second, key, 'bob', { value: 'later' });
        await assertRefused(store, key, 'ann');
        assert.deepEqual(await entryOf(store, key), { value: 'later', version });
      }
    },
  },
  {
    name: 'what is loaded after the lease is over is refused, though nobody else has asked',
    async run(harness) {
      const [absent, bare] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      const version = await written(harness, bump(bare));
      for (const key of [absent, bare]) await leased(harness.store, key, 'ann', BRIEF_MS);
      await harness.elapse(TICK_MS);
      for (const key of [absent, bare]) await assertRefused(harness.store, key, 'ann');
      assert.deepEqual(await harness.store.readEntries([absent, bare]), [undefined, { value: undefined, version }]);
    },
  },
  {
    name: 'an entry that has only a version is filled with a larger one, and lasts as long as the fill says, not as it did',
    async run(harness) {
      for (const strategy of ['timestamp', 'counter'] as const) {
        const key = harness.uniqueName('entry');
        const before = await written(harness, bump(key, { ttlMs: SOON_MS }));
        await leased(harness.store, key, 'ann');
        const outcome = await fill(harness.second, key, 'ann', { value: 'loaded', strategy });
        await harness.elapse(SOON_MS + TICK_MS);
        // A machine that took longer than the entry lives finds that its lease has ended with it.
        if (outcome.kind !== 'filled') return;
        assert(strategy === 'counter' ? outcome.version === before + 1 : outcome.version > before);
        assert.deepEqual(await entryOf(harness.store, key), { value: 'loaded', version: outcome.version });
      }
    },
  },
  {
    name: 'a lease ends with the entry that has only a version',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await written(harness, bump(key, { ttlMs: SOON_MS }));
      assert.equal((await lease(harness.store, key, 'ann', LONG_MS)).kind, 'leased');
      const outcome = await lease(harness.second, key, 'bob');
      // As above.
      assert(outcome.kind === 'leased' || (outcome.kind === 'busy' && outcome.remainingMs <= LONG_MS));
      await harness.elapse(SOON_MS + TICK_MS);
      if (outcome.kind === 'leased') return;
      assert(outcome.remainingMs <= SOON_MS, `${outcome.remainingMs} ms are more than the entry had`);
      await assertRefused(harness.store, key, 'ann');
      await leased(harness.second, key, 'bob');
    },
  },
  {
    name: 'the version of a fill is larger than every earlier one of its key',
    async run(harness) {
      const key = harness.uniqueName('entry');
      let last = await written(harness, put(key, 'value', { strategy: 'counter' }));
      for (const strategy of ['timestamp', 'counter'] as const) {
        await written(harness, remove(key));
        await leased(harness.store, key, 'ann');
        const version = await filledVersion(harness.store, key, 'ann', { strategy });
        assert(version > last, `${version} is larger than ${last}`);
        last = await written(harness, bump(key, { strategy: 'counter' }));
        assert.equal(last, version + 1);
      }
    },
  },
  {
    name: 'a fill lasts as long as it says, whatever the lease said',
    async run(harness) {
      const [ending, lasting] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      await leased(harness.store, ending, 'ann');
      await filledVersion(harness.store, ending, 'ann', { ttlMs: BRIEF_MS });
      await leased(harness.store, lasting, 'ann', SOON_MS);
      const { kind } = await fill(harness.store, lasting, 'ann', { value: 'kept' });
      await harness.elapse(SOON_MS + TICK_MS);
      const [ended, kept] = await harness.store.readEntries([ending, lasting]);
      assert.equal(ended, undefined);
      assert.equal(kept?.value, kind === 'filled' ? 'kept' : undefined);
    },
  },
  {
    name: 'values of any characters are published as they are',
    async run(harness) {
      const key = harness.uniqueName('entry');
      for (const value of ['', '\n\0"', 'ü漢😀']) {
        await leased(harness.store, key, 'ann');
        const version = await filledVersion(harness.store, key, 'ann', { value });
        assert.deepEqual(await lease(harness.second, key, 'bob'), { kind: 'hit', value, version });
        await written(harness, remove(key));
      }
    },
  },
];
