import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { eventually } from '../../support/eventually.js';
import { only, type HistoryEvent } from '../../support/history/event.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { memoryHistory } from '../../support/history/recorder.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { between, FAULT_ROUNDS, roundsOf } from '../seed.js';
import { FailingCluster } from './failing-cluster.js';
import { FailoverScene } from './failover-scene.js';
import { GuardedResource } from './guarded-resource.js';
import { startMember, type Member } from './member.js';
import { expectSoundWithTwoMasters, tellFigures } from './verdict.js';

/** Six nodes and the subscription. */
const SOCKETS = 7;

describe('a cluster whose master', () => {
  let cluster: FailingCluster;
  let scene: FailoverScene;

  beforeAll(async () => {
    cluster = await FailingCluster.start();
    scene = await FailoverScene.start(cluster, clusterStoreOptions(cluster), SOCKETS);
  }, 60_000);

  afterAll(async () => {
    await scene.stop();
    await cluster.stop();
  });

  it(
    'G2, G14, G40: wakes as a zombie after its replica took over: every call settles, nothing stale is accepted (F17)',
    async () => {
      for (const { number, random } of roundsOf('F17')) {
        const tag = `zombie-${number}`;
        const fault = async (): Promise<void> => {
          const { master, replica } = await cluster.shard(hashSlot(tag));
          master.pause();
          await cluster.promotionOf(replica);
          // Somewhere between "its clients have not noticed yet" and "they have long gone".
          await sleep(between(random, 0, 1_500));
          master.resume();
        };
        const events = await scene.play({ tag, random, fault });
        tellFigures('F17', events);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it(
    'G2, G18: wakes as a zombie and serves the connection it had: its grant is larger than all before, its commit never shows (F17)',
    async () => {
      const [bob] = scene.members as readonly [Member];
      // A member patient enough to keep its connection to the frozen master.
      const zed = await startMember('zed', bob.namespace, { ...clusterStoreOptions(cluster), commandTimeout: '20s' });
      try {
        for (const { number } of roundsOf('F17 old connection')) {
          const tag = `old-connection-${number}`;
          const [name, key] = [`{${tag}}:lock`, `{${tag}}:key`];
          await (await zed.locks.acquire(name)).release();
          const { master, replica } = await cluster.shard(hashSlot(tag));
          master.pause();
          const late = zed.locks.tryAcquire(name, { lease: '20s' });
          const lateCommit = zed.cache.set(key, 'of the zombie').then(
            () => 'committed',
            (error: unknown) => outcomeOf(error).code,
          );
          await cluster.promotionOf(replica);
          const held = await bob.locks.acquire(name, { lease: '20s', wait: '10s' });
          await eventually(() => bob.cache.set(key, 'of the new master'), { what: 'the write' });
          const { recorder, events } = memoryHistory('resource');
          const resource = new GuardedResource('row', recorder);
          expect(resource.write(held.fence, 'bob')).toBe(true);
          master.resume();

          const zombie = await late;
          if (process.env['FAULT_FIGURES'])
            process.stdout.write(
              `F17 old connection: lock ${zombie ? 'granted' : 'busy'}, commit ${await lateCommit}\n`,
            );
          if (zombie) {
            // Two believe. What the zombie said is gone when it follows the new master.
            expect(zombie.fence).toBeGreaterThan(held.fence);
            expect([resource.write(zombie.fence, 'zed'), resource.write(held.fence, 'bob, late')]).toEqual([
              true,
              false,
            ]);
            await cluster.heal();
            const commit = zed.coordinator.run({ locks: [zombie] }, () => zed.cache.set(key, 'under the zombie lock'));
            await expect(commit).rejects.toMatchObject({ code: 'LOCK_LOST' });
            await expect(zombie.release()).resolves.toBe('lost');
          }
          await cluster.heal();
          expect(['committed', 'VERSION_CONFLICT', 'TXN_IN_DOUBT']).toContain(await lateCommit);
          await expect(held.release()).resolves.toBe('released');
          const next = await bob.locks.acquire(name);
          expect(next.fence).toBeGreaterThan(Math.max(held.fence, zombie?.fence ?? 0));
          expect(resource.write(next.fence, 'next')).toBe(true);
          await next.release();
          expect(accepted(events)).toEqual([...accepted(events)].sort((a, b) => a - b));
        }
      } finally {
        await zed.stop();
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it(
    'G7, G14, G40: is left alone by all others: every call settles, no lock outlives its signal, nothing is torn (F18)',
    async () => {
      for (const { number, random } of roundsOf('F18')) {
        const tag = `alone-${number}`;
        const [ann] = scene.members as readonly [Member];
        let isHeldAfterwards: boolean | undefined;
        const fault = async (): Promise<void> => {
          const leaseMs = 600;
          const { master } = await cluster.shard(hashSlot(tag));
          const lock = await ann.locks.acquire(`{${tag}}:kept`, { lease: leaseMs });
          for (const server of cluster.servers) if (server !== master) server.pause();
          try {
            // Longer than any call may take, and than the lease.
            await sleep(5_000 + between(random, 0, 500));
            isHeldAfterwards = lock.isHeld();
          } finally {
            for (const server of cluster.servers) server.resume();
          }
          await lock.release();
        };
        const events = await scene.play({ tag, random, fault });
        tellFigures('F18', events);
        expect(isHeldAfterwards).toBe(false);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );
});

function accepted(events: readonly HistoryEvent[]): number[] {
  return only(events, 'guarded-write')
    .filter(({ isAccepted }) => isAccepted)
    .map(({ fence }) => fence);
}
