import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TransactionalCache } from 'nestjs-cache-txn';
import { traceCommands, type SentCommand } from '../../support/counting/command-trace.js';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { LockScene, type LockApp } from './lock-app.js';
import type { calls } from './workers/lock.worker.js';

const FILE = new URL('./workers/lock.worker.ts', import.meta.url);
const PROCESSES = 8;
/** Beyond a bound of the protocol: what a busy machine of two cores may add. */
const SLACK_MS = 500;

describe('many processes', () => {
  let scene: LockScene;
  let workers: Worker<typeof calls>[];
  /** The process of the test itself. */
  let here: LockApp;

  beforeAll(async () => {
    scene = await LockScene.start();
    here = await scene.app({ lock: { wait: '1m' } });
    workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorker<typeof calls>(FILE)));
    const redis = storeOptions(scene.server);
    await Promise.all(workers.map((worker) => worker.call('start', redis, here.namespace, { wait: '1m' })));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await scene.stop();
  });

  it('G1, G18: 8 processes count to 4,000 with a plain read and write under @Locked', async () => {
    const started = performance.now();
    await Promise.all(workers.map((worker) => worker.call('increment', 'counter', 500)));
    process.stdout.write(`8 x 500 increments under one lock: ${Math.round(performance.now() - started)} ms\n`);
    await expect(here.app.get(TransactionalCache).get('counter')).resolves.toBe(4_000);
    expect(await scene.leftovers(here.namespace)).toEqual([]);
  }, 120_000);

  it('G2, G5: 50 waiters of 4 processes are served in the order of the queue, never two at once', async () => {
    const holder = await here.locks.acquire('hot');
    const endTrace = await traceCommands(scene.redis);
    const crews = [13, 13, 12, 12].map((callers, i) => workers[i]!.call('holdBriefly', 'hot', callers));
    await scene.queued(here.locks, 'hot', 50);
    await holder.release();
    const turns = (await Promise.all(crews)).flat().sort((a, b) => a.fence - b.fence);
    const sent = await endTrace();

    expect(new Set(turns.map(({ fence }) => fence)).size).toBe(50);
    for (const [i, turn] of turns.entries()) expect(turn.fromMs).toBeGreaterThan(turns[i - 1]?.toMs ?? 0);
    const tokens = turns.map(({ token }) => token);
    expect(tokens).toEqual(inOrderOfAsking(sent, tokens));
  });

  it('G7, G18: a process stopped for twice its lease has lost its lock when it wakes, and cannot commit', async () => {
    const [sleeper] = workers as [Worker<typeof calls>];
    const lease = 800;
    const fence = await sleeper.call('beginLate', 'paused', 'seat', 'of the sleeper', lease);
    const cache = here.app.get(TransactionalCache);
    const stoppedAt = performance.now();
    sleeper.pause();
    await here.locks.withLock('paused', async (lock) => {
      expect(lock.fence).toBeGreaterThan(fence);
      await cache.set('seat', 'of the next');
    });
    await eventually(() => performance.now() - stoppedAt >= 2 * lease, { what: 'the second lease to pass' });
    sleeper.resume();
    await expect(sleeper.call('finishLate')).resolves.toEqual({ isSignalled: true, code: 'LOCK_LOST' });
    await expect(cache.get('seat')).resolves.toBe('of the next');
  });

  it('G7: a holder killed in the middle of its work is followed by the next waiter within its lease', async () => {
    const holder = workers.pop()!;
    const lease = 1_500;
    const fence = await holder.call('acquire', 'orphan', { lease });
    const waiting = here.locks.acquire('orphan');
    await scene.queued(here.locks, 'orphan', 1);
    await holder.stop();
    const killedAt = performance.now();
    const next = await waiting;
    expect(performance.now() - killedAt).toBeLessThan(lease + SLACK_MS);
    expect(next.fence).toBeGreaterThan(fence);
    await next.release();
  });

  it('G9: a killed first waiter costs the second no more than the 2 s of its claim', async () => {
    const holder = await here.locks.acquire('queue');
    const first = workers.pop()!;
    first.call('acquire', 'queue', {}).catch(() => undefined);
    await scene.queued(here.locks, 'queue', 1);
    const second = here.locks.acquire('queue');
    await scene.queued(here.locks, 'queue', 2);
    await first.stop();
    await holder.release();
    const releasedAt = performance.now();
    await (await second).release();
    expect(performance.now() - releasedAt).toBeLessThan(2_000 + SLACK_MS);
    expect(await scene.leftovers(here.namespace)).toEqual([]);
  });
});

/** The tokens in the order in which their first command reached the server, which is the order of the queue. */
function inOrderOfAsking(sent: readonly SentCommand[], tokens: readonly string[]): string[] {
  const known = new Set(tokens);
  return [...new Set(sent.flatMap((command) => command.filter((word) => known.has(word))))];
}
