import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { codesOf } from '../../support/history/summary.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { TIMES } from '../client.js';
import type { Episode } from '../episode.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { planSchedule, playSchedule } from '../schedule.js';
import { between } from '../seed.js';

/** Frozen, and thawed some time later. */
async function freeze({ server }: Episode, ms: number): Promise<void> {
  server.pause();
  await sleep(ms);
  server.resume();
}

describe('while the Redis server', () => {
  it(
    'G2, G14, G28: is killed and comes back empty on the same port, fences and versions go on growing (F07)',
    () =>
      playFault({
        name: 'F07',
        sound: { losesLocks: true, losesEntries: true },
        async trouble(episode, random) {
          for (let kills = 0; kills < 2; kills += 1) {
            await sleep(between(random, 100, 400));
            const { port } = episode.server;
            process.kill(episode.server.pid, 'SIGKILL');
            await episode.server.ended;
            await sleep(between(random, 0, 300));
            episode.server = await startRedisServer({ port });
          }
          await sleep(200);
        },
        felt: (events) => expect(Object.keys(codesOf(events))).not.toEqual([]),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G7, G18, G40: is stopped for less and for more than a lease, nobody writes under a lock that is gone (F08)',
    () =>
      playFault({
        name: 'F08',
        async trouble(episode, random) {
          const faults = [150, 450, TIMES.lease];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [200, 500], faults });
          await playSchedule([...steps, { atMs: TROUBLE_MS, fault: 2 * TIMES.lease }], (ms) => freeze(episode, ms));
        },
        felt: (events) => expect(Object.keys(codesOf(events))).not.toEqual([]),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G21, G40: pauses writes, or all clients, every call settles by its deadline (F09)',
    () =>
      playFault({
        name: 'F09',
        async trouble({ direct }, random) {
          const faults = ['WRITE', 'ALL'];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [200, 400], faults });
          await playSchedule(steps, async (which) => {
            // Longer than a command may take.
            const ms = between(random, TIMES.command + 100, 700);
            await direct.call('CLIENT', 'PAUSE', ms, which);
            await sleep(ms);
          });
        },
        felt: (events) => expect(Object.keys(codesOf(events))).not.toEqual([]),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G8, G40: sleeps for parts of a lease, a lock that is renewed stays held (F10)',
    () =>
      playFault({
        name: 'F10',
        async trouble({ clients, direct, recorder }, random) {
          // For less and for more than a command may take, and always for much less than the lease.
          const lock = await clients[0]!.locks.acquire('kept', { lease: 4 * TIMES.lease });
          const faults = [0.1, 0.25, 0.4];
          const steps = planSchedule({ random, durationMs: 2 * TROUBLE_MS, gapMs: [300, 600], faults });
          await playSchedule(steps, async (seconds) => {
            await direct.call('DEBUG', 'SLEEP', seconds);
          });
          if (!lock.isHeld()) recorder.record({ kind: 'incident', what: 'a lock was not renewed' });
          const seen = await clients[1]!.locks.inspect('kept');
          expect([seen?.fence, await lock.release()]).toEqual([lock.fence, 'released']);
        },
        felt: async (_events, { direct }) => {
          expect(await direct.info('commandstats')).toMatch(/cmdstat_debug:calls=[2-9]/);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G14, G20: forgets its scripts every 20 ms, nothing is lost or done twice (F11)',
    () =>
      playFault({
        name: 'F11',
        async trouble({ direct }) {
          const steps = Array.from({ length: TROUBLE_MS / 20 }, (_, i) => ({ atMs: i * 20, fault: 'FLUSH' as const }));
          await playSchedule(steps, async (how) => {
            await direct.script(how);
          });
        },
        felt: async (events, { direct }) => {
          expect(codesOf(events)['STORE_UNAVAILABLE']).toBeUndefined();
          // EVALSHA was refused, and EVAL came after it.
          expect(await direct.info('commandstats')).toMatch(/cmdstat_evalsha:.*failed_calls=[1-9]/);
          expect(await direct.info('commandstats')).toMatch(/cmdstat_eval:calls=[1-9]\d/);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G40: is busy with the endless script of another client, every call settles, and works once it is killed (F12)',
    () =>
      playFault({
        name: 'F12',
        serverArgs: ['--busy-reply-threshold', '30'],
        async trouble({ direct, server }, random) {
          const culprit = new Redis(server.url, { disconnectTimeout: 0 });
          await culprit.ping(); // A busy server refuses what a client asks while it connects.
          for (let times = 0; times < 2; times += 1) {
            const endless = culprit.eval('while true do end', 0).catch((error: unknown) => String(error));
            await sleep(between(random, 100, 600));
            await eventually(() => direct.script('KILL'), { what: 'the script to be killed' });
            expect(await endless).toMatch(/killed by user/i);
            await sleep(between(random, 50, 200));
          }
          culprit.disconnect();
        },
        felt: (events) => expect(codesOf(events)).toMatchObject({ STORE_UNAVAILABLE: expect.any(Number) }),
      }),
    PLAY_LIMIT_MS,
  );
});
