import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { machineMs } from '../../support/history/recorder.js';
import { codesOf } from '../../support/history/summary.js';
import { TIMES } from '../client.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { startProcess } from '../process.js';
import { playSchedule } from '../schedule.js';
import { FAULT_ROUNDS, pick } from '../seed.js';

/** A storm takes its time: the long form has more of it. */
const STORM_MS = FAULT_ROUNDS > 1 ? 10_000 : 1_500;
const CUT_EVERY_MS = 50;
/** What a busy machine may add to the end of a process. */
const SLACK_MS = 2_000;

describe('an application process', () => {
  it(
    'G40: whose connections are cut every 50 ms lives, and has as many sockets and timers afterwards as before (F06)',
    () =>
      playFault({
        name: 'F06',
        clients: 0,
        async trouble(episode, random) {
          const { proxy, recorder } = episode;
          // Nobody works of its own accord: what is counted are the sockets and timers of an application at rest.
          const worker = await startProcess(episode, 'app', { callers: 0 });
          const counts = async (): Promise<Record<string, number>> => {
            return { ...(await worker.call('resources')), connections: proxy.openCount };
          };
          const sample = (phase: 'before' | 'after', of: Record<string, number>): void => {
            for (const [what, count] of Object.entries(of)) recorder.record({ kind: 'sample', phase, of: what, count });
          };
          await worker.call('heals');
          const before = await counts();
          sample('before', before);

          const steps = Array.from({ length: STORM_MS / CUT_EVERY_MS }, (_, i) => {
            return { atMs: i * CUT_EVERY_MS, fault: pick(random, ['cut', 'reset'] as const) };
          });
          const working = worker.call('work', STORM_MS);
          await playSchedule(steps, (how) => proxy[how]());
          await working;

          await worker.call('heals');
          // Both connections come back, and what was on its way when the storm ended comes to rest.
          await eventually(async () => expect(await counts()).toEqual(before)).catch(() => undefined);
          sample('after', await counts());
          await worker.call('finish');
        },
        felt: (_events, { proxy }) => expect(proxy.openedCount).toBeGreaterThan(20),
      }),
    PLAY_LIMIT_MS + 15_000 * FAULT_ROUNDS,
  );

  it(
    'G13: that is closed in the middle of calls ends in time, and leaves nothing behind (F32)',
    () =>
      playFault({
        name: 'F32',
        clients: 3,
        async trouble(episode) {
          const { clients, workloads, recorder } = episode;
          const closing = clients.shift()!;
          const leaving = workloads.shift()!;
          const withinMs = 2 * TIMES.grace + SLACK_MS;
          expect(await recorder.call('close', withinMs, () => closing.close())).toBe('ok');
          await expect(closing.locks.tryAcquire('late')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
          // Its callers pause between two calls, and may all have done so meanwhile.
          await eventually(() => 'SHUTTING_DOWN' in codesOf(episode.events), { what: 'a call that is refused' });
          await leaving.stop();
          // The others work on.
          await sleep(TROUBLE_MS / 4);
        },
        felt: (events) => expect(codesOf(events)).toMatchObject({ SHUTTING_DOWN: expect.any(Number) }),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G13: that gets SIGTERM in the middle of calls ends in time, and leaves nothing behind (F32)',
    () =>
      playFault({
        name: 'F32 SIGTERM',
        clients: 1,
        sound: { killed: ['leaving'] },
        async trouble(episode) {
          const worker = await startProcess(episode, 'leaving', {});
          await worker.call('heals');
          const toldAtMs = machineMs();
          process.kill(worker.pid, 'SIGTERM');
          await worker.ended;
          const tookMs = machineMs() - toldAtMs;
          if (tookMs > 2 * TIMES.grace + SLACK_MS)
            episode.recorder.record({ kind: 'incident', what: `the process took ${Math.round(tookMs)} ms to end` });
        },
        felt: (events) => {
          const settled = events.filter(({ actor, kind }) => actor.startsWith('leaving/') && kind === 'settle');
          expect(settled.length).toBeGreaterThan(10);
        },
      }),
    PLAY_LIMIT_MS,
  );
});
