import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Lock } from 'nestjs-cache-txn';
import { countCommands } from '../../support/counting/command-stats.js';
import { traceCommands, type SentCommand } from '../../support/counting/command-trace.js';
import { eventually } from '../../support/eventually.js';
import { LockScene, type LockApp } from './lock-app.js';

let scene: LockScene;
let app: LockApp;

beforeAll(async () => {
  scene = await LockScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());
beforeEach(async () => {
  app = await scene.app();
  // The first use of a script costs a second call.
  const [first, second] = [await app.locks.acquire('w'), app.locks.acquire('w')];
  await scene.queued(app.locks, 'w', 1);
  await first.release();
  await (await second).release();
});

/** What clients sent while `work` ran; the trace's own commands left out. */
async function sentBy(work: () => Promise<unknown>): Promise<readonly SentCommand[]> {
  const endTrace = await traceCommands(scene.redis);
  await work();
  return (await endTrace()).filter(([name]) => name !== 'MONITOR');
}

const namesOf = (sent: readonly SentCommand[]): string[] => sent.map(([name]) => name);

describe('G10: round trips', () => {
  it.each([[['a']], [['a', 'b', 'c', 'd', 'e']]])('taking %j costs one and giving it back one', async (names) => {
    let lock: Lock | undefined;
    const taking = await sentBy(async () => {
      lock = await app.locks.acquire(names);
    });
    expect(namesOf(taking)).toEqual(['EVALSHA']);
    expect(lock!.fence).toBeGreaterThan(0);
    expect(namesOf(await sentBy(() => lock!.release()))).toEqual(['EVALSHA']);
    expect(await scene.leftovers(app.namespace)).toEqual([]);
  });

  it('re-entry costs none, whatever the number of names', async () => {
    await app.locks.withLock(['a', 'b', 'c'], async () => {
      const sent = await sentBy(() =>
        app.locks.withLock(['c', 'a'], () => app.locks.withLock('b', async () => undefined)),
      );
      expect(sent).toEqual([]);
    });
  });

  it('a busy name costs a caller that does not wait one', async () => {
    const held = await app.locks.acquire('a');
    expect(namesOf(await sentBy(() => app.locks.tryAcquire('a')))).toEqual(['EVALSHA']);
    await held.release();
  });
});

describe('G5: 50 waiters of one lock', () => {
  it('are served strictly first in, first out, with at most three calls each', async () => {
    const holder = await app.locks.acquire('hot');
    const served: number[] = [];
    const fences: number[] = [];
    let started = 0;
    const sent = await sentBy(async () => {
      const waiting = Array.from({ length: 50 }, (_, i) =>
        app.locks.withLock('hot', { wait: '1m' }, async (lock) => {
          served.push(i);
          fences.push(lock.fence);
          await new Promise((resolve) => setImmediate(resolve));
        }),
      );
      await scene.queued(app.locks, 'hot', 50);
      started = performance.now();
      await holder.release();
      await Promise.all(waiting);
    });
    process.stdout.write(`50 waiters, one after the other: ${Math.round(performance.now() - started)} ms\n`);
    expect(served).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    // Each asks, confirms and releases; the holder releases; looking at the queue uses the token of nobody.
    const own = sent.filter((command) => command.includes(`${app.namespace}:l:hot`) && command.length > 4);
    process.stdout.write(`50 waiters made ${own.length - 1} calls\n`);
    expect(own.length - 1).toBeLessThanOrEqual(150);
  });
});

describe('G8: 1,000 held locks', () => {
  it('are renewed with at most ten calls for each third of a lease, and all of them live on', async () => {
    const lease = 3_000;
    const locks = await Promise.all(Array.from({ length: 1_000 }, (_, i) => app.locks.acquire(`n${i}`, { lease })));
    const started = performance.now();
    const endCount = await countCommands(scene.redis);
    const calls = 40;
    let counted = 0;
    await eventually(async () => (counted = (await endCount())['EVALSHA'] ?? 0) >= calls, {
      what: `${calls} renewals`,
      withinMs: 20_000,
    });
    const periods = (performance.now() - started) / (lease / 3);
    process.stdout.write(`1,000 locks: ${counted} calls in ${periods.toFixed(1)} periods\n`);
    // Whole periods, and the one that was under way when the count began.
    expect(counted / (Math.floor(periods) + 1)).toBeLessThanOrEqual(10);
    expect(locks.every((lock) => lock.isHeld())).toBe(true);
    await Promise.all(locks.map((lock) => lock.release()));
  }, 30_000);
});
