import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { refusedWrites } from '../../support/history/guarded-writes.js';
import { codesOf } from '../../support/history/summary.js';
import { TOO_LATE } from '../actions.js';
import { TIMES } from '../client.js';
import { PLAY_LIMIT_MS, playFault } from '../play.js';
import { startProcess } from '../process.js';

/** A late call ends when its test says so. */
const LATE_MS = 20_000;

describe('a holder whose process', () => {
  it(
    'G7, G18: is stopped for two leases finds its signal fired before anything else, and never lands its write (F21)',
    () =>
      playFault({
        name: 'F21',
        clients: 1,
        actions: ['lockedWrite'],
        sound: { pausesHolders: true },
        async trouble(episode) {
          const holder = await startProcess(episode, 'holder', { callers: 0 });
          await holder.call('beginLate', LATE_MS);
          holder.pause();
          // What it is told arrives while it is stopped: it goes on before its timers have run.
          const finished = holder.call('finishLate');
          await sleep(2 * TIMES.lease);
          await episode.writtenByOthers();
          holder.resume();
          expect(await finished).toEqual(TOO_LATE);
          await holder.call('finish');
        },
        felt(events) {
          expect(codesOf(events)).toMatchObject({ LOCK_LOST: expect.any(Number) });
          expect(refusedWrites(events)).toBeGreaterThan(0);
        },
      }),
    PLAY_LIMIT_MS,
  );

  it(
    'G7, G18: is busy for two leases finds its signal fired before anything else, and never lands its write (F23)',
    () =>
      playFault({
        name: 'F23',
        clients: 1,
        actions: ['lockedWrite'],
        sound: { pausesHolders: true },
        async trouble(episode) {
          const holder = await startProcess(episode, 'holder', { callers: 0 });
          const busy = holder.call('blockedWrite', 2 * TIMES.lease + 500, LATE_MS);
          expect(await busy).toEqual(TOO_LATE);
          await holder.call('finish');
        },
        felt(events) {
          expect(codesOf(events)).toMatchObject({ LOCK_LOST: expect.any(Number) });
          expect(refusedWrites(events)).toBeGreaterThan(0);
        },
      }),
    PLAY_LIMIT_MS,
  );
});
