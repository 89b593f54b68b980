import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { only } from '../../support/history/event.js';
import { refusedWrites } from '../../support/history/guarded-writes.js';
import { overlaps } from '../../support/history/holds.js';
import { codesOf } from '../../support/history/summary.js';
import { NAMESPACE } from '../episode.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { planSchedule, playSchedule } from '../schedule.js';
import { SUBJECTS } from '../actions.js';

const LOCK_KEY = `${NAMESPACE}:l:${SUBJECTS.lock}`;

describe('while locks', () => {
  it(
    'G2, G18: expire under their holders, fences go on growing and no late write lands (F19)',
    () =>
      playFault({
        name: 'F19',
        callers: 4,
        actions: ['lockedWrite', 'increment'],
        sound: { losesLocks: true },
        async trouble({ direct, workloads }, random) {
          const owner = (): Promise<string | null> => direct.hget(LOCK_KEY, 't');
          const expire = async (): Promise<void> => {
            const held = await owner();
            if (!held) return;
            // A renewal on its way may come first, and give the key its TTL back.
            await eventually(async () => {
              if ((await owner()) === held) await direct.pexpire(LOCK_KEY, 1);
              return (await owner()) !== held;
            });
          };
          const thief = workloads[0]!.caller('thief');
          const thefts: Promise<unknown>[] = [];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [20, 120], faults: ['expire'] });
          await playSchedule(steps, async () => {
            await expire();
            // Its queue went with the lock, so those who wait would find out later: somebody comes at once.
            thefts.push(thief.lockedWrite());
          });
          await Promise.all(thefts);
          // One holder that surely goes on when somebody else has had the lock and has written.
          const late = workloads[1]!.caller('late').lateWrite(async () => {
            await expire();
            await thief.lockedWrite();
          }, 20_000);
          expect((await late).isAccepted).toBe(false);
        },
        felt(events) {
          expect(codesOf(events)).toMatchObject({ LOCK_LOST: expect.any(Number) });
          // Late holders did write: the fence kept them out.
          expect(refusedWrites(events)).toBeGreaterThan(0);
          expect(overlaps(events).length).toBeGreaterThan(0);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G6: are handed over to a process whose subscription is silently dead, waiters find out by asking (F29)',
    () => {
      let [silentFromMs, silentToMs] = [0, 0];
      return playFault({
        name: 'F29',
        callers: 4,
        actions: ['lockedWrite'],
        async trouble({ proxy, events, workloads }) {
          silentFromMs = events.at(-1)?.atMs ?? 0;
          proxy.silence('subscribers');
          // Each of these waits behind all others, as everybody does whose hand-over nobody hears of.
          await Promise.all(workloads.map((workload) => workload.caller('silent').lockedWrite(10_000)));
          silentToMs = events.at(-1)?.atMs ?? 0;
        },
        felt(events, { proxy }) {
          expect(proxy.lostBytes).toBeGreaterThan(0);
          const granted = only(events, 'granted').filter(({ atMs }) => atMs > silentFromMs && atMs < silentToMs);
          expect(granted.length).toBeGreaterThan(1);
        },
      });
    },
    PLAY_LIMIT_MS,
  );
});
