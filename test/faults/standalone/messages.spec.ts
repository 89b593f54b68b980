import { describe, expect, it } from '@jest/globals';
import { FaultInjectingStore } from 'nestjs-cache-txn/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAY_LIMIT_MS, playFault, TROUBLE_MS } from '../play.js';

describe('while what the library asks of Redis', () => {
  it(
    'G3, G4, G14, G20: arrives twice, late and out of order, everything happens once or not at all (F28)',
    () => {
      let stores: FaultInjectingStore[] = [];
      let seed = 0;
      return playFault({
        name: 'F28',
        wrap(store) {
          seed += 1;
          const disturbed = new FaultInjectingStore(store, { seed });
          stores.push(disturbed);
          return disturbed;
        },
        async trouble(_episode, random) {
          for (const store of stores) {
            const rates = { duplicate: 0.1 + random() / 10, late: 0.05 + random() / 20, 'drop-after': 0.05 };
            store.randomly(rates, { maxAfterOperations: 12 });
          }
          await sleep(2 * TROUBLE_MS);
          for (const store of stores) {
            store.clear();
            await store.arrive();
          }
        },
        felt() {
          const faults = stores.flatMap(({ journal }) => journal.map(({ fault }) => fault));
          expect(new Set(faults)).toEqual(new Set([undefined, 'duplicate', 'late', 'drop-after']));
          stores = [];
        },
      });
    },
    PLAY_LIMIT_MS,
  );
});
