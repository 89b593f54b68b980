import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { only, type HistoryEvent } from '../../support/history/event.js';
import { codesOf } from '../../support/history/summary.js';
import { versionProblems } from '../../support/history/visibility.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { planSchedule, playSchedule } from '../schedule.js';
import { between } from '../seed.js';

const EVICTING = [
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const;

/** Also where entries get lost, versions go on growing. */
const versionsGrow = (events: readonly HistoryEvent[]): void => {
  expect(only(events, 'version-seen').length).toBeGreaterThan(10);
  expect(versionProblems(events)).toEqual([]);
};

describe('while the memory of the Redis server', () => {
  it(
    'G14, G40: is full and nothing is evicted, writes are refused whole, and what is held is renewed and released (F25)',
    () =>
      playFault({
        name: 'F25',
        serverArgs: ['--maxmemory-policy', 'noeviction'],
        async trouble({ clients, direct }, random) {
          const lock = await clients[0]!.locks.acquire('held');
          for (let times = 0; times < 2; times += 1) {
            await direct.config('SET', 'maxmemory', 1);
            await sleep(between(random, 300, 700));
            await direct.config('SET', 'maxmemory', 0);
            await sleep(between(random, 50, 150));
          }
          await direct.config('SET', 'maxmemory', 1);
          expect(lock.isHeld()).toBe(true);
          await expect(lock.release()).resolves.toBe('released');
          await direct.config('SET', 'maxmemory', 0);
        },
        felt: (events) => expect(codesOf(events)).toMatchObject({ STORE_UNAVAILABLE: expect.any(Number) }),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G2, G18, G28: is full and evicts locks and entries by every policy, no write under an older fence is accepted (F26)',
    () =>
      playFault({
        name: 'F26',
        // Half of a pair may be evicted, which no reader can tell from one that was never written.
        actions: ['lockedWrite', 'increment', 'version'],
        sound: { losesLocks: true, losesEntries: true },
        async trouble({ direct }, random) {
          for (const policy of EVICTING) {
            const used = Number(/used_memory:(\d+)/.exec(await direct.info('memory'))?.[1]);
            await direct.config('SET', 'maxmemory-policy', policy);
            await direct.config('SET', 'maxmemory', used + 100_000);
            for (let i = 0; i < 40; i += 1) {
              const junk = Array.from({ length: 10 }, () => ['junk:' + Math.floor(random() * 1e9), 'x'.repeat(1_000)]);
              // With a TTL, so that every policy may also take it again.
              const writes = junk.map(([key = '', value = '']) => direct.set(key, value, 'PX', 60_000));
              await Promise.allSettled(writes);
              await sleep(4);
            }
            await direct.config('SET', 'maxmemory', 0);
          }
        },
        async felt(events, { direct }) {
          expect(Number(/evicted_keys:(\d+)/.exec(await direct.info('stats'))?.[1])).toBeGreaterThan(100);
          versionsGrow(events);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G2, G14, G28: is flushed in the middle of transactions, nothing is torn, and fences and versions go on growing (F27)',
    () =>
      playFault({
        name: 'F27',
        sound: { losesLocks: true, losesEntries: true },
        async trouble({ direct }, random) {
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [20, 120], faults: ['ASYNC', 'SYNC'] });
          await playSchedule(steps, async (how) => {
            await direct.call('FLUSHALL', how);
          });
        },
        felt: async (events, { direct }) => {
          expect(await direct.info('commandstats')).toMatch(/cmdstat_flushall:calls=[5-9]|cmdstat_flushall:calls=\d\d/);
          versionsGrow(events);
        },
      }),
    PLAY_LIMIT_MS,
  );
});
