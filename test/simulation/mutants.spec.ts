import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { startWorker, type Worker } from '../support/processes/worker.js';
import { BY_DECIDER, type calls } from './workers/mutants.worker.js';

const FILE = new URL('./workers/mutants.worker.ts', import.meta.url);
/** Where one of these is not found, this is how long it takes to say so. */
const AT_MOST_MS = 60_000;

describe('a simulation of a commit protocol that', () => {
  // In Jest's world the same takes three times as long.
  let player: Worker<typeof calls>;

  beforeAll(async () => {
    player = await startWorker<typeof calls>(FILE);
  });

  afterAll(() => player.stop());

  describe.each(['slots', 'database'] as const)('is decided by %s, and', (decider) => {
    it.each(BY_DECIDER[decider])(
      '$name fails within $withinSeeds seeds',
      async ({ name, shows }) => {
        expect(await player.call('kill', decider, name)).toContainEqual(expect.stringMatching(shows));
      },
      AT_MOST_MS,
    );
  });
});
