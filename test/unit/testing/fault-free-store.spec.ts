import { afterEach, describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import { storeConformanceCases } from '../../../src/testing/store-conformance/store-conformance.js';
import type { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { TestWorld } from '../../../src/testing/test-world.js';

describe('G39: a fault-injecting store without faults', () => {
  const stores: FaultInjectingStore[] = [];

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.stop()));
  });

  async function started(world: TestWorld, processLabel: string): Promise<FaultInjectingStore> {
    const store = world.store();
    stores.push(store);
    await store.start({ namespace: 'unit', processLabel, report: silentSink, warn: () => undefined });
    return store;
  }

  it.each(storeConformanceCases())('$name', async ({ run }) => {
    const world = new TestWorld();
    let names = 0;
    const [store, second] = [await started(world, 'first'), await started(world, 'second')];
    await run({
      store,
      second,
      elapse: (ms) => world.clock.advanceAsync(ms),
      uniqueName: (prefix) => `${prefix}-${(names += 1)}`,
    });
    expect(store.journal.filter(({ fault }) => fault !== undefined)).toEqual([]);
  });
});
