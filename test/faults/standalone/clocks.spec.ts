import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFakeTimeLibrary } from '../../../scripts/server-binaries.mjs';
import { only } from '../../support/history/event.js';
import { TIMES } from '../client.js';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';
import { startProcess } from '../process.js';
import { planSchedule, playSchedule } from '../schedule.js';

/** Steps of the wall clock against the true time, in seconds: leap, time zone by mistake, dead battery. */
const JUMPS_S = [-1, 2, 3_600, -3_600, 86_400 * 365, -86_400 * 365];

/** The wall clock of a process, which the file moves at once; the monotonic clock stays, as on a real machine. */
class WallClock {
  private readonly folder = mkdtempSync(join(tmpdir(), 'cache-txn-clock-'));
  private readonly file = join(this.folder, 'offset');
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    const library = findFakeTimeLibrary();
    if (library === undefined) throw new Error('faketime is not installed: run `npm run servers`.');
    this.jump(0);
    this.env = {
      [process.platform === 'darwin' ? 'DYLD_INSERT_LIBRARIES' : 'LD_PRELOAD']: library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  jump(seconds: number): void {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  stop(): void {
    rmSync(this.folder, { recursive: true });
  }
}

describe('a process whose wall clock jumps', () => {
  it(
    'G7, G8: keeps what it holds, loses what it cannot renew before the lease ends, and works as ever (F20)',
    () =>
      playFault({
        name: 'F20',
        clients: 1,
        async trouble(episode, random) {
          const clock = new WallClock();
          try {
            const worker = await startProcess(episode, 'jumping', { env: clock.env });
            await worker.call('heals');
            const steps = planSchedule({ random, durationMs: 2 * TROUBLE_MS, gapMs: [30, 150], faults: JUMPS_S });
            // One lock for longer than its lease, renewed, and one that is not.
            const holding = worker.call('holdTwo', steps.length * 100 + 2 * TIMES.lease);
            await playSchedule(steps, (seconds) => clock.jump(seconds));
            clock.jump(3_600);
            const asideMs = (await worker.call('wallClockMs')) - Date.now();
            expect(Math.round(asideMs / 600_000)).toBe(6);
            const { renewed, left } = await holding;
            expect(renewed).toBe('released');
            // By the clock that nobody moved: not at once, when the wall clock leapt, and not an hour late, though a timer of a
            // busy machine is.
            expect(left).toBeGreaterThan(TIMES.lease / 2);
            expect(left).toBeLessThan(10 * TIMES.lease);
            await worker.call('finish');
          } finally {
            clock.stop();
          }
        },
        // Nothing was wrong with the server: nobody had a reason to lose a lock.
        felt: (events) => expect(only(events, 'signalled')).toEqual([]),
      }),
    PLAY_LIMIT_MS,
  );
});
