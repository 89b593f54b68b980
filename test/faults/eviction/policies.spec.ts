import { describe, expect, it } from '@jest/globals';
import { PLAY_LIMIT_MS } from '../play.js';
import { FAULT_SEED, roundsOf } from '../seed.js';
import { FullServer } from './full-server.js';
import { itemOf, loaderOf } from './readers-and-writers.js';

const EVICTING = [
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const;

/** What the writers and readers do; each must have succeeded more than once. */
const ACTIONS = ['set', 'delete', 'invalidateAll', 'transaction', 'getOrLoad', 'get', 'getEntry', 'hit', 'load'];
const LEAST_OK = 2;

/** Plays with a small server in every round, and says which one it was. */
async function playFull(policy: string, play: (full: FullServer) => Promise<void>): Promise<void> {
  for (const { number, random } of roundsOf(`F26 ${policy}`)) {
    const full = await FullServer.start(policy, random);
    try {
      await play(full);
      expect([`round ${number}, FAULT_SEED=${FAULT_SEED}`, ...full.rows.problems.slice(0, 5)]).toHaveLength(1);
    } finally {
      await full.stop();
    }
  }
}

describe('a cache in a Redis that is too small for it', () => {
  it.each(EVICTING)(
    'G28, G47, G55, G57: gives nothing older than the last invalidation, and loads again what %s has taken (F26)',
    (policy) =>
      playFull(policy, async (full) => {
        await full.fill();
        await full.limit();
        full.tally.clear();
        await full.work();
        expect(await full.evicted()).toBeGreaterThan(20);
        const idle = ACTIONS.filter((action) => (full.tally.get(action) ?? 0) < LEAST_OK);
        expect(idle).toEqual([]);
        await full.expectNearCurrent();
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G47, G53, G55: goes on reading under noeviction, and refuses to write, whole (F26)',
    () =>
      playFull('noeviction', async (full) => {
        const { far, rows } = full;
        await far.cache.set('there', itemOf(0), { ttl: 0, tags: ['there'] });
        await full.fill();
        await full.limit(10_000);
        await full.work();
        expect(full.tally.get('STORE_UNAVAILABLE')).toBeGreaterThan(20);
        await full.limit(-100_000);
        expect(await far.cache.get('there')).toEqual(itemOf(0));
        const store = { code: 'STORE_UNAVAILABLE' };
        for (const write of [
          () => far.cache.set('there', itemOf(1)),
          () => far.cache.delete('there'),
          () => far.cache.invalidateTags('there'),
          () => far.coordinator.run(() => far.cache.set('there', itemOf(1))),
        ])
          await expect(write()).rejects.toMatchObject(store);
        expect(await far.cache.get('there')).toEqual(itemOf(0));
        expect(await far.cache.getOrLoad('nowhere', loaderOf(full, 'nowhere'))).toEqual(itemOf(0));
        expect(await far.cache.get('nowhere')).toBeUndefined();
        expect(await full.evicted()).toBe(0);
        await full.limit(10_000_000);
        await far.cache.set('there', itemOf(1));
        expect(await far.cache.get('there')).toEqual(itemOf(1));
        expect(rows.problems).toEqual([]);
        await full.expectNearCurrent();
      }),
    PLAY_LIMIT_MS,
  );
});
