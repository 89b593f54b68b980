import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { getCacheTxnToken } from '../module/service-token.js';
import { CacheTxnStore } from '../store/store.js';
import { FaultInjectingStore } from './faults/fault-injecting-store.js';

/** What has providers to give: an application, a testing module, a module reference. */
export interface ProviderSource {
  get(token: ReturnType<typeof getCacheTxnToken>, options: { readonly strict: false }): unknown;
}

/**
 * The store of an application under test, on which faults are asked for and assertions are made.
 *
 * @param name of the module; default the module without a name
 * @throws Error when its store is none of this kit
 */
export function storeOf(app: ProviderSource, name = DEFAULT_STORE_NAME): FaultInjectingStore {
  const store = app.get(getCacheTxnToken(CacheTxnStore, name), { strict: false });
  if (store instanceof FaultInjectingStore) return store;
  throw new Error(
    'the store of this application is none of the test kit: import CacheTxnTestingModule, or give the builder to inTestWorld()',
  );
}
