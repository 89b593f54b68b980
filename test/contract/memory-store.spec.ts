import { afterEach, describe, it } from '@jest/globals';
import { silentSink } from '../support/silent-sink.js';
import { MemoryBackend } from '../../src/memory/memory-backend.js';
import { memoryStore } from '../../src/memory/memory-store.js';
import type { CacheTxnStore } from '../../src/store/store.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { storeConformanceCases } from '../../src/testing/store-conformance/store-conformance.js';
import type { StoreHarness } from '../../src/testing/store-conformance/store-harness.js';

describe.each([1, 3])('G39: the memory store with %i slots', (slots) => {
  const started: CacheTxnStore[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((store) => store.stop()));
  });

  it.each(storeConformanceCases())('$name', async ({ run }) => {
    const clock = new ManualClock();
    const backend = new MemoryBackend({ slots, timeUs: clock.timeUs });
    let names = 0;
    const harness: StoreHarness = {
      store: await startOn(backend, 'first'),
      second: await startOn(backend, 'second'),
      elapse: (ms) => clock.advanceAsync(ms),
      uniqueName: (prefix) => `${prefix}-${(names += 1)}`,
    };
    await run(harness);
  });

  async function startOn(backend: MemoryBackend, processLabel: string): Promise<CacheTxnStore> {
    const store = memoryStore({ backend });
    await store.start({ namespace: 'contract', processLabel, report: silentSink, warn: () => undefined });
    started.push(store);
    return store;
  }
});
