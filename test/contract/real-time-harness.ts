import { setTimeout } from 'node:timers/promises';
import type { CacheTxnStore } from '../../src/store/store.js';
import type { StoreHarness } from '../../src/testing/store-conformance/store-harness.js';

/** Gives every case two fresh stores on one real server, and stops them afterwards. */
export class RealTimeHarness {
  private readonly stores: CacheTxnStore[] = [];
  private names = 0;

  /** @param open a new store of the server, not started */
  constructor(private readonly open: () => CacheTxnStore) {}

  async start(): Promise<StoreHarness> {
    const [store, second] = await Promise.all([this.started('first'), this.started('second')]);
    return {
      store,
      second,
      // A timer may fire a little early.
      elapse: async (ms) => setTimeout(ms + 1),
      uniqueName: (prefix) => `${prefix}-${(this.names += 1)}`,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.stores.splice(0).map((store) => store.stop()));
  }

  private async started(processLabel: string): Promise<CacheTxnStore> {
    const store = this.open();
    this.stores.push(store);
    await store.start({
      namespace: 'contract',
      processLabel,
      report: (error) => {
        throw error;
      },
      warn: () => undefined,
    });
    return store;
  }
}
