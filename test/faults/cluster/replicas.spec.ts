import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { AcknowledgedWrites } from '../acknowledged-writes.js';
import { FAULT_ROUNDS, roundsOf } from '../seed.js';
import { FailingCluster } from './failing-cluster.js';
import { COMMAND_MS } from './failover-scene.js';
import { startMember, type Member } from './member.js';

const NAMESPACE = 'replicas';
/** Acknowledged transactions before the fault, and by a member that does not wait for replicas in the middle of it. */
const LEAST = 20;

describe("a cluster whose commits wait for all replicas (replicas: 'all')", () => {
  let cluster: FailingCluster;
  /** Of the same application: one that waits for the replicas, and one that does not. */
  let careful: Member;
  let careless: Member;

  beforeAll(async () => {
    cluster = await FailingCluster.start({ needs: ['replicas'] });
    const options = { ...clusterStoreOptions(cluster), commandTimeout: COMMAND_MS };
    careful = await startMember('careful', NAMESPACE, { ...options, replicas: 'all', replicaTimeout: '500ms' });
    careless = await startMember('careless', NAMESPACE, options);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([careful.stop(), careless.stop()]);
    await cluster.stop();
  });

  it.each([
    ['in one slot', (tag: string, key: string): string[] => [`{${tag}}:${key}`]],
    // The decision is in the slot of the first or of the second, and one of their masters dies.
    ['over several slots', (tag: string, key: string): string[] => [`{${tag}}:${key}`, `{other-${tag}}:${key}`]],
  ])(
    'G43: loses no acknowledged commit %s with its master, where one that does not wait loses some (F15)',
    async (what, keysOf) => {
      for (const { number } of roundsOf(`F15 replicas ${what}`)) {
        const tag = `${what === 'in one slot' ? 'one' : 'several'}-${number}`;
        const kept = new AcknowledgedWrites(careful, (i) => keysOf(tag, `kept-${i}`));
        const lost = new AcknowledgedWrites(careless, (i) => keysOf(tag, `lost-${i}`));
        await eventually(() => Math.min(kept.count, lost.count) >= LEAST, { what: 'both at work' });
        await cluster.loseWrite(hashSlot(tag), async () => {
          const before = lost.count;
          await eventually(() => lost.count >= before + LEAST, { what: 'writes that only the master has' });
        });
        const after = kept.count;
        await eventually(() => kept.count >= after + LEAST, { what: 'the new master at work', withinMs: 20_000 });
        await Promise.all([kept.stop(), lost.stop()]);
        await cluster.heal();

        const missing = { kept: await kept.missing(careless), lost: await lost.missing(careless) };
        if (process.env['FAULT_FIGURES']) {
          process.stdout.write(
            `F15 replicas ${what}: all: ${missing.kept.length} of ${kept.count} lost, ${kept.inDoubt} in doubt; ` +
              `none: ${missing.lost.length} of ${lost.count} lost\n`,
          );
        }
        expect(missing.kept).toEqual([]);
        expect(missing.lost.length).toBeGreaterThan(0);
      }
    },
    120_000 * FAULT_ROUNDS,
  );
});
