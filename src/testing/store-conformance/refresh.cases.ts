import assert from 'node:assert/strict';
import { LONG_MS } from './case-times.js';
import { bump, entryOf, put, remove, written } from './committer.js';
import { assertRefused, filledVersion, lease, leased } from './filler.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Values that stay while they are loaded anew. */
export const refreshCases: readonly StoreConformanceCase[] = [
  {
    name: 'a value that is fresh for shorter than it lives says from when on it is not, until the next write',
    async run(harness) {
      const key = harness.uniqueName('entry');
      await leased(harness.store, key, 'ann');
      await filledVersion(harness.store, key, 'ann', { ttlMs: 2 * LONG_MS, freshMs: LONG_MS });
      const hit = await lease(harness.second, key, 'bob');
      assert(hit.kind === 'hit' && hit.times !== undefined, 'it is a hit with its times');
      const { nowMs, endsAtMs, staleAtMs } = hit.times;
      assert(nowMs <= staleAtMs && staleAtMs - nowMs <= LONG_MS, `fresh for ${staleAtMs - nowMs} ms`);
      assert(Math.abs(endsAtMs - staleAtMs - LONG_MS) < LONG_MS / 10, `stale for ${endsAtMs - staleAtMs} ms`);
      for (const write of [bump(key), put(key, 'written')]) {
        await written(harness, write);
        const next = await lease(harness.store, key, 'bob');
        assert(next.kind === 'hit' && next.times === undefined, 'a write has ended that');
      }
    },
  },
  {
    name: 'whoever asks for the times of a value gets them, also of one that never ends',
    async run(harness) {
      const [ending, lasting] = [harness.uniqueName('entry'), harness.uniqueName('entry')];
      await written(harness, put(ending, 'value', { ttlMs: LONG_MS }));
      await written(harness, put(lasting, 'value'));
      for (const key of [ending, lasting]) {
        const hit = await harness.store.leaseFill({ key, token: 'ann', leaseMs: LONG_MS, withTimes: true });
        assert(hit.kind === 'hit' && hit.times !== undefined, 'it is a hit with its times');
        const leftMs = hit.times.endsAtMs - hit.times.nowMs;
        if (key === lasting) assert.equal(leftMs, Number.POSITIVE_INFINITY);
        else assert(leftMs > 0 && leftMs <= LONG_MS + 1, `${leftMs} ms are left`);
        assert.equal(hit.times.staleAtMs, Number.POSITIVE_INFINITY);
      }
    },
  },
  {
    name: 'entries that are read with the time that is left tell it, and others do not',
    async run(harness) {
      const [ending, lasting, absent] = ['ending', 'lasting', 'absent'].map((name) => harness.uniqueName(name));
      const keys = [ending ?? '', lasting ?? '', absent ?? ''];
      await written(harness, put(keys[0] ?? '', 'value', { ttlMs: LONG_MS }));
      await written(harness, put(keys[1] ?? '', 'value'));
      const [short, long, none] = await harness.store.readEntries(keys, { withTimeLeft: true });
      const { leftMs = 0 } = short ?? {};
      assert(leftMs > 0 && leftMs <= LONG_MS + 1, `${leftMs} ms are left`);
      assert.deepEqual([long?.leftMs, none], [Number.POSITIVE_INFINITY, undefined]);
      for (const entry of await harness.store.readEntries(keys)) assert.equal(entry?.leftMs, undefined);
    },
  },
  {
    name: 'an entry whose value gets stale has no time left for copies, until it is written again',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const leftMs = async (): Promise<number | undefined> =>
        (await harness.store.readEntries([key], { withTimeLeft: true }))[0]?.leftMs;
      await leased(harness.store, key, 'ann');
      await filledVersion(harness.store, key, 'ann', { ttlMs: LONG_MS, freshMs: LONG_MS / 2 });
      assert.equal(await leftMs(), 0);
      await written(harness, put(key, 'written'));
      assert.equal(await leftMs(), Number.POSITIVE_INFINITY);
    },
  },
  {
    name: 'one at a time loads a value anew, which everybody has until then',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const version = await written(harness, put(key, 'old'));
      const anew = (token: string, replaces = version) =>
        harness.store.leaseFill({ key, token, leaseMs: LONG_MS, replaces });
      assert.deepEqual(await anew('ann'), { kind: 'leased' });
      assert.equal((await anew('bob')).kind, 'busy');
      assert.deepEqual(await lease(harness.second, key, 'bob'), { kind: 'hit', value: 'old', version });
      const next = await filledVersion(harness.second, key, 'ann', { value: 'new' });
      assert(next > version);
      assert.deepEqual(await anew('bob'), { kind: 'hit', value: 'new', version: next });
      assert.deepEqual(await entryOf(harness.store, key), { value: 'new', version: next });
    },
  },
  {
    name: 'a value that was written while it was loaded anew stays',
    async run(harness) {
      for (const change of [(key: string) => put(key, 'written'), bump, remove]) {
        const key = harness.uniqueName('entry');
        const version = await written(harness, put(key, 'old'));
        const request = { key, token: 'ann', leaseMs: LONG_MS, replaces: version };
        assert.deepEqual(await harness.store.leaseFill(request), { kind: 'leased' });
        await written(harness, change(key));
        const before = await harness.store.readEntries([key]);
        await assertRefused(harness.second, key, 'ann');
        assert.deepEqual(await harness.store.readEntries([key]), before);
      }
    },
  },
];
