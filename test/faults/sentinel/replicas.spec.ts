import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { sentinelStoreOptions } from '../../support/servers/redis-access.js';
import { AcknowledgedWrites } from '../acknowledged-writes.js';
import { COMMAND_MS } from '../cluster/failover-scene.js';
import { kill } from '../cluster/failing-cluster.js';
import { startMember, type Member } from '../cluster/member.js';
import { FailingSentinelGroup } from './failing-sentinel-group.js';

const NAMESPACE = 'replicas';
/** Acknowledged commits before the fault, and on the old master after it by a member that does not wait for replicas. */
const LEAST = 20;

describe("a master of a sentinel whose commits wait for all replicas (replicas: 'all')", () => {
  let group: FailingSentinelGroup;
  let careful: Member;
  let careless: Member;

  beforeAll(async () => {
    group = await FailingSentinelGroup.start();
    const options = { ...sentinelStoreOptions(group.group), commandTimeout: COMMAND_MS };
    careful = await startMember('careful', NAMESPACE, { ...options, replicas: 'all', replicaTimeout: '500ms' });
    careless = await startMember('careless', NAMESPACE, options);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([careful.stop(), careless.stop()]);
    await group.stop();
  });

  it('G43: acknowledges nothing as long as there are two, where one that does not wait loses what it wrote (F16)', async () => {
    const { master } = await group.roles();
    const kept = new AcknowledgedWrites(careful, (i) => [`kept-${i}`]);
    const lost = new AcknowledgedWrites(careless, (i) => [`lost-${i}`]);
    await eventually(() => Math.min(kept.count, lost.count) >= LEAST, { what: 'both at work' });
    await group.failOver();
    // The old master lives, and serves the connections that it has.
    const before = lost.count;
    await eventually(() => lost.count >= before + LEAST && kept.inDoubt > 0, { what: 'the old master at work' });
    await kill(master);
    const after = kept.count;
    await eventually(() => kept.count >= after + LEAST, { what: 'the new master at work', withinMs: 20_000 });
    await Promise.all([kept.stop(), lost.stop()]);

    const missing = { kept: await kept.missing(careless), lost: await lost.missing(careless) };
    if (process.env['FAULT_FIGURES']) {
      process.stdout.write(
        `F16 replicas: all: ${missing.kept.length} of ${kept.count} lost, ${kept.inDoubt} in doubt; ` +
          `none: ${missing.lost.length} of ${lost.count} lost\n`,
      );
    }
    expect(missing.kept).toEqual([]);
    expect(missing.lost.length).toBeGreaterThan(0);
  }, 60_000);
});
