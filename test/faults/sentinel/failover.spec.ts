import { afterAll, beforeAll, describe, it } from '@jest/globals';

import { sentinelStoreOptions } from '../../support/servers/redis-access.js';
import { FailoverScene } from '../cluster/failover-scene.js';
import { expectSoundWithTwoMasters, tellFigures } from '../cluster/verdict.js';
import { FAULT_ROUNDS, roundsOf } from '../seed.js';
import { FailingSentinelGroup } from './failing-sentinel-group.js';

/** One for commands and one that listens, and the questions to the sentinel when both look for the master. */
const SOCKETS = 4;

describe('a failover by a sentinel', () => {
  let group: FailingSentinelGroup;
  let scene: FailoverScene;

  beforeAll(async () => {
    group = await FailingSentinelGroup.start();
    scene = await FailoverScene.start(group, sentinelStoreOptions(group.group), SOCKETS);
  }, 60_000);

  afterAll(async () => {
    await scene.stop();
    await group.stop();
  });

  it(
    'G2, G14, G40: after a kill -9 of the master lets fences grow, tears nothing, and every call settles (F16)',
    async () => {
      for (const { number, random } of roundsOf('F16 kill')) {
        const events = await scene.play({ tag: `killed-${number}`, random, fault: () => group.killMaster() });
        tellFigures('F16 kill -9', events);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );

  it(
    'G2, G14: with the old master alive lets no write under an older fence through, and tears nothing (F16)',
    async () => {
      for (const { number, random } of roundsOf('F16 failover')) {
        const events = await scene.play({ tag: `exchanged-${number}`, random, fault: () => group.failOver() });
        tellFigures('F16 SENTINEL FAILOVER', events);
        expectSoundWithTwoMasters(events);
      }
    },
    120_000 * FAULT_ROUNDS,
  );
});
