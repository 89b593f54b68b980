import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { LastingPostgres } from '../../support/servers/lasting-postgres.js';
import { FailingCluster } from '../cluster/failing-cluster.js';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';
import { FAULT_ROUNDS, roundsOf, type Round } from '../seed.js';
import {
  cutConnections,
  databaseKilled,
  evictions,
  failedOver,
  killedMaster,
  lostWrites,
  trouble,
} from './observed-faults.js';
import { expectAgreement, tellObserved } from './observed-verdict.js';
import { ObservedScene, type Observed, type ObservedFault } from './observed.js';

const IS_LONG = FAULT_ROUNDS > 1;
/** Reads before a fault, and as many after it. */
const LEAST = IS_LONG ? 5_000 : 300;
const LIMIT_MS = 300_000 * FAULT_ROUNDS;

describe('rows and entries that change together', () => {
  let cluster: FailingCluster;
  let postgres: LastingPostgres;

  beforeAll(async () => {
    [cluster, postgres] = await Promise.all([FailingCluster.start(), LastingPostgres.start()]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([cluster.stop(), postgres.stop()]);
  });

  async function play(
    name: string,
    faults: readonly ObservedFault[],
    check: (observed: Observed) => void,
  ): Promise<void> {
    for (const { random } of roundsOf(`observer ${name}`)) {
      const observed = await ObservedScene.play({ cluster, postgres, random, least: LEAST, faults });
      tellObserved(name, observed);
      expectAgreement(observed);
      check(observed);
    }
  }

  it(
    'G44, G45: no hit is older than its row, and no money is lost, when writers die, sleep and lose answers, and the database is killed',
    async () => {
      const faults = [trouble, cutConnections, databaseKilled(postgres), failedOver(cluster, 'graceful')];
      await play('strict', IS_LONG ? [...faults, trouble, ...faults] : faults, ({ seen }) => {
        expect(seen).toMatchObject({ stale: 0, ahead: 0, examples: [] });
      });
    },
    LIMIT_MS,
  );

  // Minutes: the long form alone plays worse libraries.
  if (IS_LONG) {
    it.each(Object.keys(PLANTED_BUGS) as PlantedBug[])(
      'the observer finds out a library in which %s',
      async (bug) => {
        const [{ random }] = roundsOf(bug) as [Round];
        const faults = [trouble, trouble, trouble];
        const observed = await ObservedScene.play({ cluster, postgres, random, least: LEAST, faults, bug });
        tellObserved(bug, observed);
        expect(observed.seen.stale + observed.seen.ahead + observed.different.length).toBeGreaterThan(0);
      },
      LIMIT_MS,
    );
  }

  it(
    'G45: no entry stays older than its row when entries are evicted, and masters take acknowledged writes with them',
    async () => {
      const faults = [evictions(cluster), lostWrites(cluster)];
      const more = [failedOver(cluster, 'FORCE'), killedMaster(cluster), trouble, evictions(cluster)];
      await play('lossy', IS_LONG ? [...faults, ...more] : faults, ({ seen }) => {
        expect(seen.hits).toBeGreaterThan(0);
      });
    },
    LIMIT_MS,
  );
});
