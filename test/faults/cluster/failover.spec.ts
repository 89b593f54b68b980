import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { eventually } from '../../support/eventually.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lock } from '../../../src/lock/lock.js';
import { memoryHistory } from '../../support/history/recorder.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { between, FAULT_ROUNDS, roundsOf } from '../seed.js';
import { FailingCluster, isInStep, kill } from './failing-cluster.js';
import { FailoverScene } from './failover-scene.js';
import { GuardedResource } from './guarded-resource.js';
import type { Member } from './member.js';
import { expectSoundWithOneMaster, expectSoundWithTwoMasters, tellFigures } from './verdict.js';

/** Six nodes and the subscription. */
const SOCKETS = 7;
const MAX_TRIES = 4;

describe('a failover in a cluster', () => {
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
    'G1, G14: that is graceful loses no lock and no write, and tears none (F13)',
    async () => {
      for (const { number, random } of roundsOf('F13')) {
        for (let tries = 1; ; tries += 1) {
          const tag = `graceful-${number}-${tries}`;
          const before = await cluster.elections();
          const fault = (): Promise<void> => cluster.failOver(hashSlot(tag), 'graceful');
          const events = await scene.play({ tag, random, fault });
          tellFigures('F13', events);
          // A takeover that nobody asked for may lose something: then this play says nothing.
          if ((await cluster.elections()) > before + 1 && tries < MAX_TRIES) continue;
          expectSoundWithOneMaster(events);
          break;
        }
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it.each(['FORCE', 'TAKEOVER'] as const)(
    'G2, G14: that is forced (%s) lets no write under an older fence through, and tears none (F14)',
    async (mode) => {
      for (const { number, random } of roundsOf(`F14 ${mode}`)) {
        const tag = `${mode}-${number}`;
        const events = await scene.play({ tag, random, fault: () => cluster.failOver(hashSlot(tag), mode) });
        tellFigures(`F14 ${mode}`, events);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it(
    'G2, G14: after a kill -9 that takes acknowledged writes along lets fences grow, and tears none (F15)',
    async () => {
      for (const { number, random } of roundsOf('F15')) {
        const tag = `lost-${number}`;
        // Under load something is acknowledged in any moment.
        const fault = (): Promise<void> => cluster.loseWrite(hashSlot(tag), () => sleep(between(random, 20, 150)));
        const events = await scene.play({ tag, random, fault });
        tellFigures('F15', events);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it('G2, G18: fences grow through a failover that lost the stored one, and who lost its lock cannot write (F15)', async () => {
    const [ann, bob] = scene.members as readonly [Member, Member];
    const name = '{stored-fence}:lock';
    const slot = hashSlot('stored-fence');
    await (await ann.locks.acquire(name)).release();
    let lost: Lock | undefined;
    await cluster.loseWrite(slot, async () => {
      lost = await ann.locks.acquire(name, { lease: '6s' });
    });
    const first = lost!;
    // The new master has never heard of the first, who may still believe: this is what cannot be avoided.
    const next = await eventually(() => bob.locks.acquire(name, { wait: 0 }));
    expect(next.fence).toBeGreaterThan(first.fence);

    const resource = new GuardedResource('row', memoryHistory('resource').recorder);
    expect([resource.write(next.fence, 'next'), resource.write(first.fence, 'first')]).toEqual([true, false]);
    await eventually(
      async () => {
        // Its first calls may only find out that the old master is gone.
        const commit = ann.coordinator.run({ locks: [first] }, () => ann.cache.set('{stored-fence}:key', 'first'));
        await expect(commit).rejects.toMatchObject({ code: 'LOCK_LOST' });
      },
      { what: 'the refusal of the commit' },
    );
    // A read may still be meant for the master that is gone, and then says that it was not sent.
    const entry = await eventually(async () => ({ value: await bob.cache.get('{stored-fence}:key') }));
    expect(entry.value).toBeUndefined();
    await eventually(() => first.signal.aborted, { what: 'the signal', withinMs: 10_000 });
    expect(first.signal.reason).toMatchObject({ code: 'LOCK_LOST', details: { reason: 'taken' } });
    await expect(first.release()).resolves.toBe('lost');
    await expect(next.release()).resolves.toBe('released');
    await cluster.heal();
  }, 60_000);

  // A lease is longer than its promotion takes, with what a busy machine adds.
  it.each([
    ['graceful', 2_000],
    ['FORCE', 2_000],
    ['kill -9', 5_000],
  ] as const)(
    'G5, G8: a lock that survives a failover (%s) is kept by its holder, and its waiters their places (F13, F14)',
    async (how, leaseMs) => {
      const [ann, bob, carl] = scene.members as readonly [Member, Member, Member];
      const name = `{kept-${how}}:lock`;
      const slot = hashSlot(`kept-${how}`);
      const lock = await ann.locks.acquire(name, { lease: leaseMs });
      const order: string[] = [];
      const waits = [];
      for (const waiter of [bob, carl]) {
        const wait = waiter.locks.withLock(name, { wait: '20s' }, () => void order.push(waiter.name));
        waits.push(wait);
        await eventually(async () => (await ann.locks.inspect(name))?.waiters === waits.length, { what: 'a waiter' });
      }
      const { master, replica } = await cluster.shard(slot);
      await eventually(() => isInStep(master, replica), { what: 'the replica to have it all' });
      if (how === 'kill -9') {
        await kill(master);
        await cluster.promotionOf(replica);
      } else {
        await cluster.failOver(slot, how);
      }
      const renewed = async (): Promise<boolean> => ((await bob.locks.inspect(name))?.heldForMs ?? 0) > 1.2 * leaseMs;
      await eventually(renewed, { what: 'the holder to outlive its first lease', withinMs: 15_000 });
      expect(lock.isHeld()).toBe(true);
      await expect(lock.release()).resolves.toBe('released');
      await Promise.all(waits);
      expect(order).toEqual([bob.name, carl.name]);
      await cluster.heal();
    },
    60_000,
  );
});
