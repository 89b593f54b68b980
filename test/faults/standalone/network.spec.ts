import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { SCRIPTS } from '../../support/proxy/fault-passage.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { codesOf } from '../../support/history/summary.js';
import { TOO_LATE } from '../actions.js';
import { TIMES } from '../client.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { planSchedule, playSchedule } from '../schedule.js';
import { between } from '../seed.js';

describe('while the network between application and Redis', () => {
  it(
    'G14, G20, G40: loses requests, every call settles, and nothing is half done (F01)',
    () =>
      playFault({
        name: 'F01',
        async trouble({ proxy }, random) {
          const faults = [0.1, 0.25, 0.5, 0];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [50, 200], faults });
          await playSchedule(steps, (loseRequest) => proxy.set({ loseRequest, losable: SCRIPTS }));
          await sleep(100);
        },
        felt: (events, { proxy }) => {
          expect(proxy.lostBytes).toBeGreaterThan(0);
          expect(Object.keys(codesOf(events))).not.toEqual([]);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G3, G20: loses replies of what was executed, nothing is done twice or told wrongly (F02)',
    () =>
      playFault({
        name: 'F02',
        async trouble({ clients, proxy }, random) {
          const faults = [0.1, 0.25, 0.5, 0];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [50, 200], faults });
          await playSchedule(steps, (loseReply) => proxy.set({ loseReply, losable: SCRIPTS }));
          // Nobody else wants these: whoever times out has waited for itself.
          proxy.set({ loseReply: 0.3 });
          const codes: unknown[] = [];
          for (let i = 0; i < 8; i += 1) {
            const taking = clients[0]!.locks.acquire(`own ${i}`, { lease: '4s' });
            codes.push(
              await taking.then(
                (lock) => lock.release(),
                (error: unknown) => outcomeOf(error).code,
              ),
            );
          }
          proxy.set({ loseReply: 0 });
          expect(codes).not.toContain('LOCK_TIMEOUT');
        },
        felt: (_events, { proxy }) => expect(proxy.lostBytes).toBeGreaterThan(0),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G40: resets, closes and refuses connections, every call settles and the process lives (F03)',
    () =>
      playFault({
        name: 'F03',
        async trouble({ proxy }, random) {
          const faults = ['cut', 'reset', 'refuse'] as const;
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [50, 200], faults });
          await playSchedule(steps, async (fault) => {
            if (fault === 'refuse') await proxy.refuse();
            proxy[fault === 'refuse' ? 'cut' : fault]();
            if (fault !== 'refuse') return;
            await sleep(between(random, 50, 150));
            await proxy.accept();
          });
        },
        felt: (events, { proxy }) => {
          expect(proxy.openedCount).toBeGreaterThan(4);
          expect(codesOf(events)).toMatchObject({ STORE_UNAVAILABLE: expect.any(Number) });
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G7, G40: swallows everything of one application, its calls settle, and it knows its lock is lost before another has it (F04)',
    () =>
      playFault({
        name: 'F04',
        clients: 1,
        spared: 1,
        async trouble(episode, random) {
          const { proxy, workloads } = episode;
          const silence = async (ms: number): Promise<void> => {
            proxy.silence();
            await sleep(ms);
            proxy.speak();
          };
          // For less than a command may take, and for less than a lease; then, under a holder, for longer than one.
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [50, 300], faults: [150, 400] });
          await playSchedule(steps, silence);
          const cutOff = workloads[0]!.caller('cut off').lateWrite(async () => {
            const silent = silence(2 * TIMES.lease);
            await episode.writtenByOthers();
            await silent;
          }, 20_000);
          expect(await cutOff).toEqual(TOO_LATE);
        },
        felt: (_events, { proxy }) => expect(proxy.lostBytes).toBeGreaterThan(0),
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G14, G16, G28: is slow, uneven, and carries single bytes (F05)',
    () =>
      playFault({
        name: 'F05',
        async trouble({ proxy }, random) {
          const faults = [
            { delayMs: 20, jitterMs: 40, isDripping: false },
            { delayMs: 0, jitterMs: 15, isDripping: true },
            { delayMs: 2, jitterMs: 0, isDripping: false },
            { delayMs: 0, jitterMs: 80, isDripping: false },
          ];
          const steps = planSchedule({ random, durationMs: TROUBLE_MS, gapMs: [100, 300], faults });
          await playSchedule(steps, (pace) => proxy.set(pace));
          await sleep(200);
        },
        felt: (_events, { proxy }) => expect(proxy.lostBytes).toBe(0),
      }),
    PLAY_LIMIT_MS,
  );
});
